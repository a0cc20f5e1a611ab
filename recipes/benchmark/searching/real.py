"""A real search, from its first trial to the best ones trained again."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import recipes.benchmark.text as text
from fashion_zoo.language.wording import counted
from fashion_zoo.show.trials import Counts

TRIALS = 40
SETTINGS: Mapping[str, Any] = {"training": {"epochs": 20}}


class Real(NamedTuple):
    """A config that was trained again, and the search that found it."""

    trial: int
    """Number of its trial; 0 is the recipe with its defaults."""
    score: float
    """Validation accuracy in the search."""
    again: tuple[float, ...]
    """Validation accuracies of the trainings with fresh seeds."""
    gain: tuple[float, float, float] | None
    """Mean gain over the defaults, paired by seed, with its 95 % interval."""
    seconds: float
    """What the trials of the search took."""
    overhead: float
    """Seconds of them in the study."""
    done: int
    """Trials that were trained to their end."""
    pruned: int


def real_rows(
    candidates: Sequence[Mapping[str, Any]], counts: Counts, seconds: float, overhead: float
) -> list[Real]:
    """Return the rows of a search, the best mean first.

    Args:
        candidates: rows of ``report.json``, of two seeds or more.
        counts: how many trials there are of each kind.
        seconds: what the trials took.
        overhead: seconds of them in the study.
    """
    return [
        Real(
            row["trial"],
            row["score"],
            tuple(row["again"]),
            None if row["defaults"] else (row["gain"], row["gain_low"], row["gain_high"]),
            seconds,
            overhead,
            counts.done,
            counts.pruned,
        )
        for row in candidates
    ]


def real_table(rows: Sequence[Real]) -> str:
    """Return the Markdown table, with a line about the search before it."""
    first = rows[0]
    share = 100 * first.overhead / first.seconds
    lines = [
        f"The search took {first.seconds / 60:.1f} minutes, {share:.2f} % of them in the study: "
        f"{counted(first.done, 'trial')} trained to the end, {first.pruned} pruned.",
        "",
        "| trial | score in the search | trained again | gain on the defaults |",
        "| --- | ---: | --- | --- |",
    ]
    for row in rows:
        name = str(row.trial) if row.gain else "the defaults"
        gain = _points(row.gain) if row.gain else ""
        again = text.percent(row.again)
        lines.append(f"| {name} | {100 * row.score:.2f} % | {again} | {gain} |")
    return "\n".join([*lines, "", _verdict(first)])


def _points(gain: tuple[float, float, float]) -> str:
    mean, low, high = (100 * one for one in gain)
    return f"{mean:+.2f} points ({low:+.2f} to {high:+.2f})"


def _verdict(first: Real) -> str:
    if first.gain is None:
        return "The search found nothing better than the defaults."
    if first.gain[1] > 0:
        return f"Trial {first.trial} is better than the defaults by more than its interval."
    return f"Trial {first.trial} is no better than the defaults that these seeds show."
