"""What the note below a table says in place of the words in braces."""

from typing import TYPE_CHECKING

from fashion_zoo.experiments import page as pages
from fashion_zoo.language.wording import counted

if TYPE_CHECKING:
    from fashion_zoo.experiments.measured import Measured


class Words(dict):
    """Values of the names in a note: six words, and every column of the CSV file."""

    def __init__(self, measured: "Measured"):
        self.measured, rows = measured, measured.by_arm
        given, count = measured.experiment.command, max(map(len, rows.values()))
        own = "".join(f", {name}={value!r}" for name, value in measured.call.items())
        python = f"fashion_zoo.experiments.run(EXPERIMENT, seeds={count}{own})"
        seeds = pages.common({arm: counted(len(own), "seed") for arm, own in rows.items()})
        several = ", several" if min(map(len, rows.values())) == 1 else ""
        means = f"Mean over {seeds}{several} with {pages.INTERVAL}"
        super().__init__(
            interval=pages.INTERVAL,
            command=f"{given} {count}" if given else python,
            seeds=seeds,
            means="1 seed each" if count == 1 else means,
            unmeasured=_unmeasured(measured),
        )

    def __missing__(self, name: str) -> str:
        rows = self.measured.by_arm
        if name == "machine":
            return pages.measured_on({arm: list(own.values()) for arm, own in rows.items()})
        if name == "commit":  # which rows of an installed package lack
            return pages.common(
                {arm: pages.short(next(iter(own.values())).get(name)) for arm, own in rows.items()}
            )
        return pages.common({arm: str(self.measured.values(arm, name)[0]) for arm in rows})


def _unmeasured(measured: "Measured") -> str:
    """Return a sentence, after a blank, with the recipes without rows, if there are any."""
    arms = [arm for arm in measured.arms if arm.name not in measured.by_arm]
    names = " and ".join(dict.fromkeys(f"`{arm.recipe}`" for arm in arms))
    return f" Not measured yet: {names}." if names else ""
