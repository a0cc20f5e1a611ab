"""What every table of the board says the same way."""

from collections.abc import Sequence

from fashion_zoo.evaluation.statistics import ANYTHING, DIFFERENCE, FRACTION, Bounds, mean_interval
from fashion_zoo.machine import environment

METHOD = "its 95 % interval, by Student's t, of accuracies on the logit scale"


def paired(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """Return the differences, seed by seed."""
    return [value - other for value, other in zip(values, others, strict=True)]


def percent(fractions: Sequence[float]) -> str:
    """Return the mean of fractions with its interval, in percent."""
    return mean(fractions, ".2f", " %", FRACTION, 100)


def points(differences: Sequence[float]) -> str:
    """Return the mean difference of fractions with its interval, in points."""
    return mean(differences, "+.2f", "", DIFFERENCE, 100)


def mean(
    values: Sequence[float],
    form: str = ".3f",
    unit: str = "",
    bounds: Bounds = ANYTHING,
    scale: float = 1,
) -> str:
    """Return the mean times ``scale`` with its 95 % interval, which lies within the bounds."""
    low, high = (scale * end for end in mean_interval(values, bounds))
    return f"{scale * sum(values) / len(values):{form}}{unit} ({low:{form}} to {high:{form}})"


def measured_on() -> str:
    """Return the sentence that says on what a table was measured."""
    surroundings = environment.describe()
    versions, backend = surroundings["versions"], surroundings["backend"]
    also = f"{backend} {versions.get(backend)}, " if backend != "tensorflow" else ""
    return (
        f"{surroundings['device']}, {surroundings['cores']} cores, Python {versions['python']}, "
        f"Keras {versions['keras']}, {also}commit {short(surroundings['commit'] or '')}."
    )


def short(commit: str) -> str:
    """Return the first 12 digits of a commit, and the mark of a tree that was changed."""
    head, sign, changes = commit.partition("+")
    return f"{head[:12] or 'unknown'}{sign}{changes}"
