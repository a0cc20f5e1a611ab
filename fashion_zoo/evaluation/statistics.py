"""Confidence intervals."""

import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Bounds = tuple[float, float]
ANYTHING: Bounds = (-math.inf, math.inf)
POSITIVE: Bounds = (0.0, math.inf)
FRACTION: Bounds = (0.0, 1.0)
DIFFERENCE: Bounds = (-1.0, 1.0)  # of two fractions

_HUGE = 700.0  # exp of more is infinite
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12  # differences of this size are of rounding


class Interval(NamedTuple):
    """A two-sided confidence interval, 95 % unless another level is given."""

    low: float
    high: float


def equal(values: Any) -> Any:
    """Return whether values differ by rounding alone: (...) booleans of (..., n) floats."""
    values = np.asarray(values, dtype="float64")
    largest = np.abs(values).max(axis=-1)
    return np.ptp(values, axis=-1) <= np.maximum(_RELATIVE * largest, _ABSOLUTE)


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Return the Wilson score interval of a proportion (Wilson 1927, JASA 22(158))."""
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(level, method="wilson")
    return Interval(float(found.low), float(found.high))


def mean_interval(
    values: Sequence[float], bounds: Bounds = ANYTHING, level: float = 0.95
) -> Interval:
    """Return Student's t interval of a mean over seeds, on an unbounded scale.

    With mean m, and h = t((1 + level) / 2, n - 1) * standard deviation / sqrt(n):

    unbounded: m - h to m + h
    from a on: a + exp(log(m - a) -+ h / (m - a))
    within a..b: a + (b - a) * expit(logit(p) -+ h / ((b - a) * p * (1 - p))), p = (m - a) / (b - a)

    So an interval contains its mean and stays within the bounds. If h is small beside the distance
    to a bound, it is close to m - h to m + h.

    The interval of a single value, or of two that are equal, is (nan, nan): they say nothing of the
    spread. Of k means, all lie in their intervals at once with a confidence of 95 % or more if each
    has the level 1 - 0.05 / k (Bonferroni).

    References: Student 1908, Biometrika 6(1); Brown, Cai & DasGupta 2001, Statistical Science
    16(2), for the logit; Dunn 1961, JASA 56(293), for several means.
    """
    from scipy.stats import t

    count = len(values)
    if count < 2 or (count == 2 and equal(values)):
        return Interval(math.nan, math.nan)
    half = float(t.ppf((1 + level) / 2, count - 1)) * standard_deviation(values) / math.sqrt(count)
    return _around(sum(values) / count, half, bounds)


def sampled_interval(fractions: Sequence[float], images: int) -> Interval:
    """Return the 95 % interval of a mean over seeds that holds the choice of the images as well.

    With the mean m and the standard deviation s of n fractions, each of the same N images, the mean
    varies with the seeds and with the images, and the squares of the two half widths add up:

        h_seeds = t(0.975, n - 1) s / sqrt(n),  h_images = z(0.975) sqrt(m (1 - m) / N)
        h = sqrt(h_seeds^2 + h_images^2)

    The interval is expit(logit(m) -+ h / (m (1 - m))). So it is one for other seeds and other
    images of the same kind, never narrower than ``mean_interval``, and as wide with many images. It
    is too wide, since what a seed alone gets wrong counts in both: by about an eighth if the seeds
    agree on most images, and by more if they do not. If every seed is right on all images, or on
    none, it is Wilson's.

    References: Zou & Donner 2008, Statistics in Medicine 27(10), for the sum of squares;
    Bouthillier et al. 2021, arXiv:2103.03098, for the two sources of variance.

    Args:
        fractions: such as the test accuracy of each seed, at least two; of fewer it is (nan, nan).
        images: their number, at least 1.
    """
    from scipy.stats import norm, t

    count = len(fractions)
    if count < 2:
        return Interval(math.nan, math.nan)
    mean = sum(fractions) / count
    if not 0 < mean < 1:
        return wilson(round(mean * images), images)
    seeds = float(t.ppf(0.975, count - 1)) * standard_deviation(fractions) / math.sqrt(count)
    sampling = float(norm.ppf(0.975)) * math.sqrt(mean * (1 - mean) / images)
    return _around(mean, math.hypot(seeds, sampling), FRACTION)


def _around(mean: float, half: float, bounds: Bounds) -> Interval:
    """Return the interval of half this width around a mean, bent to stay within the bounds."""
    from scipy.special import expit, logit

    low, high = bounds
    if not half or math.isinf(low):
        return Interval(mean - half, mean + half)
    if math.isinf(high):
        ratio = math.exp(min(half / (mean - low), _HUGE))
        return Interval(low + (mean - low) / ratio, low + (mean - low) * ratio)
    width = high - low
    share = (mean - low) / width
    centre, half = logit(share), half / (width * share * (1 - share))
    return Interval(*(low + width * float(expit(centre + one)) for one in (-half, half)))


def standard_deviation(values: Sequence[float]) -> float:
    """Return the sample standard deviation (n - 1), 0 for one value."""
    return statistics.stdev(values) if len(values) > 1 else 0.0
