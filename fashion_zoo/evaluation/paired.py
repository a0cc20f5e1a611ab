"""Tests of the difference between two trainings, paired over seeds and over test images.

Every function takes one comparison, or an array of them, so that simulations test what is used.
"""

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fashion_zoo.evaluation.statistics import equal

_SMALLEST = 1e-12  # p-value that is not told from smaller ones, where it is searched
_STEPS = 50  # halvings of its logarithm
_ROUNDING = 1e-9  # a distance below it is none


class Differences(NamedTuple):
    """The mean difference of two trainings over seeds, and the variance of this mean by source."""

    mean: Any
    """(...) floats."""
    by_seed: Any
    """(...) floats, its variance with the seeds."""
    by_image: Any
    """(...) floats, its further variance with the choice of the images; 0 for these images."""
    seeds: int
    """Their number, at least 2."""

    @property
    def deviation(self) -> Any:
        """The standard deviation of the difference of one seed, (...) floats."""
        return np.sqrt(np.asarray(self.by_seed) * self.seeds)

    @property
    def effect(self) -> float | None:
        """A single mean in standard deviations, Cohen's d; None if all differences are equal."""
        return float(self.mean / self.deviation) if self.deviation else None

    def half_width(self, level: Any) -> Any:
        """Return half the width of the interval that misses with a probability of ``level``.

            h^2 = t(1 - level / 2, n - 1)^2 by_seed + z(1 - level / 2)^2 by_image

        So it is Student's paired interval for these images, and never narrower for others.

        References: Student 1908, Biometrika 6(1); Zou & Donner 2008, Statistics in Medicine 27(10),
        for the sum of squares.
        """
        from scipy.special import ndtri, stdtrit

        tail = 1 - np.asarray(level) / 2
        return np.sqrt(
            stdtrit(self.seeds - 1, tail) ** 2 * self.by_seed + ndtri(tail) ** 2 * self.by_image
        )

    def p_value(self, value: Any = 0.0) -> Any:
        """Return the smallest level, (...) floats, whose interval does not contain a value.

        It is two-sided. Where the differences of three seeds or more are equal and no image adds to
        their variance it is 0, unless they are the value; equal ones of two seeds may be chance,
        and it is 1.
        """
        from scipy.special import stdtr

        distance = np.abs(np.asarray(self.mean) - value)
        spread = np.asarray(self.by_seed) > 0
        error = np.sqrt(np.where(spread, self.by_seed, 1.0))
        found = 2 * stdtr(self.seeds - 1, -distance / error)
        if np.any(self.by_image):
            found = self._searched(distance)
            spread = spread | ((np.asarray(self.by_image) > 0) & (self.seeds > 2))
        without = np.where((distance > _ROUNDING) & (self.seeds > 2), 0.0, 1.0)
        return np.where(spread, found, without)

    def _searched(self, distance: Any) -> Any:
        """Return the level at which the half width is this distance, between 1e-12 and 1."""
        low = np.full(np.shape(distance), np.log(_SMALLEST))
        high = np.zeros(np.shape(distance))
        for _ in range(_STEPS):
            middle = (low + high) / 2
            wide = self.half_width(np.exp(middle)) > distance
            low, high = np.where(wide, middle, low), np.where(wide, high, middle)
        return np.exp(high)


def over_seeds(differences: Any) -> Differences:
    """Return the mean of differences for these images; ``differences`` are (..., seeds) floats."""
    values = np.asarray(differences, dtype="float64")
    seeds = values.shape[-1]
    variance = values.var(axis=-1, ddof=1) / seeds
    return Differences(values.mean(axis=-1), np.where(equal(values), 0.0, variance), 0.0, seeds)


def over_images(first: Any, second: Any) -> Differences:
    """Return the mean difference of two accuracies for other images of the same kind as well.

    With the difference d of each of n seeds and N images, which is -1, 0 or 1, the mean varies with
    the seeds, with the images, and with both together. The variance that the images add is

        var(mean of d over seeds) / N - mean square of the residuals / (n N), at least 0

    where residuals are what seed and image, each alone, do not explain. It is subtracted since the
    variance over the seeds has it already.

    References: Gallas 2006, Academic Radiology 13(3), and Cameron, Gelbach & Miller 2011, Journal
    of Business & Economic Statistics 29(2), for two crossed sources of variance; Bouthillier et al.
    2021, arXiv:2103.03098, for seeds and test images as these.

    Args:
        first: (..., seeds, images) booleans, at least 2 by 2: which images a training has right.
        second: the same of the other training, with the same seeds and images.
    """
    difference = np.asarray(first, dtype="int8") - np.asarray(second, dtype="int8")
    seeds, images = difference.shape[-2:]
    by_seed = difference.sum(axis=-1, dtype="int64") / images
    by_image = difference.sum(axis=-2, dtype="int64") / seeds
    squares = np.count_nonzero(difference, axis=(-2, -1))  # of -1, 0 and 1
    mean = by_seed.mean(axis=-1)
    residual = (
        squares
        - images * np.square(by_seed).sum(axis=-1)
        - seeds * np.square(by_image).sum(axis=-1)
        + seeds * images * np.square(mean)
    ) / ((seeds - 1) * (images - 1))
    added = by_image.var(axis=-1, ddof=1) / images - residual / (seeds * images)
    return over_seeds(by_seed)._replace(by_image=np.maximum(added, 0.0))


def holm(p_values: Any, level: float = 0.05) -> Any:
    """Return the level at which each of several hypotheses is tested, in Holm's procedure.

    The smallest p-value of k is tested at level / k, the next one at level / (k - 1) and so on, up
    to the first one above its level; the others are tested at that level. So the probability of any
    false rejection among the k is at most ``level``, however they depend on each other. A
    hypothesis is rejected if its p-value is at most its level.

    Reference: Holm 1979, Scandinavian Journal of Statistics 6(2).

    Args:
        p_values: (..., k) floats.
        level: probability of a false rejection, in (0, 1).
    """
    values = np.asarray(p_values, dtype="float64")
    count = values.shape[-1]
    order = np.argsort(values, axis=-1, kind="stable")
    steps = np.broadcast_to(level / (count - np.arange(count)), values.shape)
    above = np.take_along_axis(values, order, axis=-1) > steps
    stopped = np.argmax(above, axis=-1, keepdims=True)  # of none it is 0, and nothing is replaced
    after = above.any(axis=-1, keepdims=True) & (np.arange(count) >= stopped)
    levels = np.where(after, np.take_along_axis(steps, stopped, axis=-1), steps)
    found = np.empty_like(values)
    np.put_along_axis(found, order, levels, axis=-1)
    return found


def power(effect: Any, deviation: Any, seeds: Any, level: float = 0.05) -> Any:
    """Return the probability that Student's paired test, two-sided, finds a true difference.

    With n seeds, t^2 has a noncentral F distribution with 1 and n - 1 degrees of freedom, and the
    noncentrality n (effect / deviation)^2.

    Reference: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences.

    Args:
        effect: the true difference, (...) floats.
        deviation: standard deviation of the difference of one seed, above 0, in the same unit.
        seeds: their number, at least 2.
        level: level of the test, in (0, 1).
    """
    from scipy.special import ncfdtr, stdtrit

    count = np.asarray(seeds)
    limit = stdtrit(count - 1, 1 - level / 2) ** 2
    return 1 - ncfdtr(1, count - 1, count * np.square(np.asarray(effect) / deviation), limit)


def seeds_for(
    effects: Sequence[float],
    deviation: float,
    level: float = 0.05,
    *,
    chance: float = 0.8,
    most: int = 1000,
) -> int | None:
    """Return the fewest seeds that find all effects with a probability of at least ``chance``.

    Two are the distances to two limits that a mean lies between: both are found with a probability
    of at least

        power(first) + power(second) - 1

    None if more than ``most`` seeds would be needed.
    """
    counts = np.arange(2, most + 1)
    missed = sum(1 - power(effect, deviation, counts, level) for effect in effects)
    enough = 1 - missed >= chance
    return int(counts[np.argmax(enough)]) if enough.any() else None


def packed(correct: Any, digest: str) -> str:
    """Return which images are classified correctly as text: digest of the images, number, bits.

    The bits, first image first, are in base64. ``correct`` are (images,) booleans.
    """
    bits = base64.b64encode(np.packbits(np.asarray(correct, dtype=bool)).tobytes()).decode()
    return f"{digest[:12]}:{len(correct)}:{bits}"


def unpacked(text: str) -> tuple[str, np.ndarray]:
    """Return what ``packed`` was given: the digest, shortened, and (images,) booleans.

    Raises:
        ValueError: if it is not such a text.
    """
    digest, count, bits = text.split(":")
    held = np.frombuffer(base64.b64decode(bits, validate=True), dtype="uint8")
    if len(held) != (int(count) + 7) // 8:
        raise ValueError(f"expected the bits of {count} images, found {8 * len(held)}")
    return digest, np.unpackbits(held, count=int(count)).astype(bool)
