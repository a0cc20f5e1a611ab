"""Claims of an experiment: what can be true or false of two arms."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import check_fields
from fashion_zoo.language.wording import unknown

if TYPE_CHECKING:
    from fashion_zoo.experiments.measured import Measured


@dataclasses.dataclass(frozen=True)
class Claim:
    """What can be true or false of two arms: the difference of a metric, paired by seed."""

    arm: str
    """The arm of which it is claimed."""
    against: "str | Callable[[Measured], str | None]"
    """The other arm, or a function that chooses it, but never by the metric of the claim."""
    metric: str = "test_accuracy"
    """A column of the CSV file."""
    direction: Literal["higher", "lower", "same"] = "higher"
    """Whether the arm's mean is claimed to be higher or lower by more than ``least``, or to differ
    by less than ``least``."""
    least: float = 0.0
    """In the unit of the metric; of accuracies 0.001 is 0.1 points. Below 0 the claim is that the
    arm is worse by less. The same needs one above 0."""
    text: str = ""
    """The claim in words, by default those of ``words``."""
    unit: str = "points"
    scale: float = 100
    """The unit of what is written, and the factor from the metric to it."""
    form: str = ".2f"
    """Format of a number in this unit."""
    number: str = ""
    """Its number in a list of claims, of which it may be one of several tests, such as C5."""

    def __post_init__(self):
        check_fields(self)
        try:
            format(0.0, self.form)
        except ValueError:
            raise ConfigError(
                f"form is a format of a number, such as '.2f'; received {self.form!r}."
            ) from None

    @property
    def named(self) -> list[str]:
        """The names of the arms that it is about, but for one that is found among the rows."""
        return [self.arm] if callable(self.against) else [self.arm, self.against]

    def check(self, arms: Sequence[str]) -> None:
        """Raise ConfigError if it is about an unknown arm, or cannot be tested."""
        for one in self.named:
            if one not in arms:
                raise ConfigError(unknown("arm of a claim", one, arms))
        if self.arm == self.against:
            raise ConfigError(f"A claim compares two arms, received {self.arm!r} twice.")
        self.check_direction()

    def check_direction(self) -> None:
        """Raise ConfigError if the direction needs a least difference and has none."""
        if self.direction == "same" and not self.least > 0:
            raise ConfigError(
                f"The claim that {self.arm!r} is the same needs least, the smallest difference "
                f"that matters, above 0; received {self.least!r}."
            )

    def limits(self) -> tuple[float, ...]:
        """Return the differences between which, or above or below which, it is true."""
        if self.direction == "same":
            return (-self.least, self.least)
        return (self.least if self.direction == "higher" else -self.least,)

    def holds(self, difference: float) -> bool:
        """Return whether it is true of a difference."""
        if self.direction == "same":
            return abs(difference) < self.least
        sign = 1 if self.direction == "higher" else -1
        return sign * difference > self.least

    def pair(self, measured: "Measured") -> tuple[str | None, list[float]]:
        """Return the other arm, and the differences of the seeds that both have."""
        base = self.against(measured) if callable(self.against) else self.against
        if base is None or base == self.arm:
            return base, []
        if {base, self.arm} - measured.by_arm.keys():
            if base not in (names := [arm.name for arm in measured.arms]):
                raise ConfigError(unknown("arm", base, names))
            return base, []
        return base, measured.paired(self.arm, base, self.metric)

    def arms(self, base: str | None) -> list[str]:
        """Return the names of the arms that it compares, the other one if there is one."""
        return [self.arm, *([base] if base else [])]

    @property
    def metric_name(self) -> str:
        """The name of its metric, in words."""
        return self.metric.replace("_", " ")

    def words(self, base: str | None) -> str:
        """Return what is claimed, as a sentence, where it has no text of its own."""
        other = f"`{base}`" if base else "the other arm"
        way = "" if self.direction == "same" else f"{self.direction} than "
        verb, that = self._number()
        return f"The {self.metric_name} of `{self.arm}` {verb} {way}{that} of {other}."

    def found(self, difference: float, base: str | None) -> str:
        """Return what was found of a difference, in words."""
        name = f"{self.metric_name} of `{self.arm}`"
        verb, that = self._number()
        if difference == 0:
            return f"{name} {'equal' if verb == 'are' else 'equals'} {that} of `{base}`"
        way = "lower" if difference < 0 else "higher"
        return f"{name} {verb} {self.amount(abs(difference))} {way} than {that} of `{base}`"

    def _number(self) -> tuple[str, str]:
        """Return verb and pronoun of the metric: seconds are, and the number of epochs is."""
        noun = re.split(r" (?:of|to|in|on|at|per|for) ", self.metric_name)[0].split()[-1]
        several = noun.endswith("s") and not noun.endswith(("ss", "us", "is"))
        return ("are", "those") if several else ("is", "that")

    def lacking(self, base: str | None) -> str:
        """Return what is not there to be tested, in words."""
        if base == self.arm:
            return f"`{base}` is itself the arm that was chosen to compare with."
        other = f"`{base}`" if base else "the arm it is compared with"
        return f"`{self.arm}` and {other} have fewer than 2 seeds in common."

    def claimed(self) -> str:
        """Return the difference that is claimed, in words."""
        if self.direction == "same":
            return f"of less than {self.amount(self.least)}"
        way = "above" if self.direction == "higher" else "below"
        return f"{way} {self.amount(self.limits()[0], '+')}"

    def size(self, value: float, sign: str = "") -> str:
        """Return a difference as text, without its unit."""
        return f"{self.scale * value:{sign}{self.form}}"

    def amount(self, value: float, sign: str = "") -> str:
        """Return a difference as text."""
        return f"{self.size(value, sign)} {self.unit}".rstrip()
