"""Intervals: no figure stands without one."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Interval(NamedTuple):
    """A two-sided 95 % confidence interval."""

    low: float
    high: float


def wilson(successes: int, trials: int) -> Interval:
    """Return the Wilson score interval of a proportion, 95 %.

    Args:
        successes: number of successes, in 0..trials.
        trials: number of trials, at least 1.

    Reference: Wilson 1927, JASA 22(158).
    """
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return Interval(float(found.low), float(found.high))


def mean_interval(values: Sequence[float]) -> Interval:
    """Return Student's t interval of a mean over seeds, 95 %.

    Args:
        values: one value a seed. One value alone has no interval: (nan, nan).

    Reference: Student 1908, Biometrika 6(1).
    """
    from scipy.stats import t

    count = len(values)
    if count < 2:
        return Interval(math.nan, math.nan)
    mean, spread = sum(values) / count, standard_deviation(values)
    half = float(t.ppf(0.975, count - 1)) * spread / math.sqrt(count)
    return Interval(mean - half, mean + half)


def standard_deviation(values: Sequence[float]) -> float:
    """Return the sample standard deviation (n - 1), 0 for one value."""
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / max(len(values) - 1, 1))
