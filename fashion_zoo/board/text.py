"""What every table of the board says the same way."""

from collections.abc import Sequence

from fashion_zoo import environment
from fashion_zoo.evaluation import mean_interval


def paired(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """Return the differences, seed by seed."""
    return [value - other for value, other in zip(values, others, strict=True)]


def percent(fractions: Sequence[float]) -> str:
    """Return the mean of fractions with its interval, in percent."""
    return mean([100 * one for one in fractions], ".2f", " %")


def mean(values: Sequence[float], form: str = ".3f", unit: str = "") -> str:
    """Return the mean with its 95 % t interval."""
    low, high = mean_interval(values)
    return f"{sum(values) / len(values):{form}}{unit} ({low:{form}} to {high:{form}})"


def measured_on() -> str:
    """Return the sentence that says on what a table was measured."""
    surroundings = environment.describe()
    versions = surroundings["versions"]
    return (
        f"{surroundings['device']}, {surroundings['cores']} cores, Python {versions['python']}, "
        f"Keras {versions['keras']}, commit {short(surroundings['commit'] or '')}."
    )


def short(commit: str) -> str:
    """Return the first 12 digits of a commit, and the mark of a tree that was changed."""
    head, sign, changes = commit.partition("+")
    return f"{head[:12] or 'unknown'}{sign}{changes}"
