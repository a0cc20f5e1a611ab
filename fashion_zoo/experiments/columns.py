"""The columns of a table: functions of the results of an arm, with intervals over the seeds."""

import functools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from fashion_zoo.errors import ConfigError
from fashion_zoo.evaluation.statistics import (
    ANYTHING,
    DIFFERENCE,
    FRACTION,
    Bounds,
    mean_interval,
    sampled_interval,
    standard_deviation,
)
from fashion_zoo.experiments.experiment import Column
from fashion_zoo.experiments.measured import Measured
from fashion_zoo.language.wording import counted

Write = Callable[[Sequence[float]], str]


def mean(
    values: Sequence[float],
    form: str = ".3f",
    unit: str = "",
    bounds: Bounds = ANYTHING,
    scale: float = 1,
    spread: bool = False,
    images: int | None = None,
) -> str:
    """Return a mean over seeds with its 95 % interval in brackets, all multiplied by ``scale``.

    ``form`` is a format of numbers, ``bounds`` are those of the interval, and ``spread`` adds the
    sample standard deviation, as ``± 0.19``. A single value has neither, and two that are equal
    leave no interval over the seeds. With a number of ``images`` the interval of fractions of them
    holds the choice of the images as well.
    """
    ends = mean_interval(values, bounds) if images is None else sampled_interval(values, images)
    low, high = (scale * end for end in ends)
    several = len(values) > 1
    write = functools.partial(_written, form=form)
    deviation = f" ± {write(scale * standard_deviation(values))}" if spread and several else ""
    middle = write(scale * sum(values) / len(values))
    interval = "" if math.isnan(low) else f" ({write(low)} to {write(high)})"
    return f"{middle}{deviation}{unit}{interval}"


def _written(value: float, form: str) -> str:
    """Return a formatted number, with a blank before a percent sign as on every page."""
    return f"{value:{form}}".replace("%", " %")


def percent(fractions: Sequence[float], *, spread: bool = False, images: int | None = None) -> str:
    """Return the mean of fractions with its interval, in percent; ``images`` as for ``mean``."""
    return mean(fractions, ".2f", " %", FRACTION, 100, spread, images)


def points(differences: Sequence[float]) -> str:
    """Return the mean difference of fractions with its interval, in points."""
    return mean(differences, "+.2f", "", DIFFERENCE, 100)


def name(header: str, code: Callable[[str], bool] = lambda arm: True) -> Column:
    """Return the column of the arms' names, as code if ``code`` of a name is true."""
    return Column(header, lambda measured, arm: f"`{arm}`" if code(arm) else arm)


def part(header: str, place: int, *, code: bool = False, right: bool = False) -> Column:
    """Return the column of one part of the arms' names, which are separated by ``", "``.

    ``place`` is 0 for the first, and ``code`` shows it as code.

    Raises:
        ConfigError: when the column is made of an arm whose name has fewer parts.
    """

    def cell(measured: Measured, arm: str) -> str:
        parts = arm.split(", ")
        if not place < len(parts):
            raise ConfigError(
                f"column {header!r} takes part {place} of an arm's name; received {arm!r}, which "
                f"has {counted(len(parts), 'part')}. Separate them by a comma and a blank."
            )
        return f"`{parts[place]}`" if code else parts[place]

    return Column(header, cell, right)


def accuracy(
    header: str, metric: str, *, spread: bool = False, right: bool = False, images: str = ""
) -> Column:
    """Return a column of mean fractions with their intervals, in percent.

    ``images`` names the column with the number of images of which they are fractions; then an
    interval holds the choice of these images as well.
    """

    def cell(measured: Measured, arm: str) -> str:
        values = measured.values(arm, metric)
        number = measured.values(arm, images)[0] if images else None
        return percent(values, spread=spread, images=number)

    return Column(header, cell, right)


def value(
    header: str, metric: str, form: str = ".3f", bounds: Bounds = ANYTHING, *, right: bool = False
) -> Column:
    """Return a column of means of any metric with their intervals."""
    return _of(header, metric, lambda values: mean(values, form, bounds=bounds), right)


def number(
    header: str,
    metric: str,
    form: str,
    of: Callable[[Sequence[float]], float] = statistics.fmean,
) -> Column:
    """Return a column of means, or of what ``of`` returns, without intervals."""
    return _of(header, metric, lambda values: _written(of(values), form), True)


def seconds() -> Column:
    """Return a column of the median of the seconds, which one slow training does not move."""
    return number("seconds, median", "seconds", ".0f", statistics.median)


def where_measured(column: Column, metric: str) -> Column:
    """Return a column whose cell is empty where rows of an arm lack a metric that is newer."""
    return column._replace(
        cell=lambda measured, arm: column.cell(measured, arm) if measured.has(arm, metric) else None
    )


def _of(header: str, metric: str, write: Write, right: bool) -> Column:
    return Column(header, lambda measured, arm: write(measured.values(arm, metric)), right)


def difference(
    measured: Measured,
    arm: str,
    base: str | None,
    metric: str,
    write: Write = points,
) -> str | None:
    """Return the cell of the differences between two arms, None if one was not measured."""
    found = measured.paired(arm, base, metric)
    return write(found) if found else None


def against(
    header: str,
    metric: str,
    base: str | Mapping[str, str] | Callable[[Measured], str | None],
    write: Write = points,
    itself: str | None = None,
) -> Column:
    """Return a column of differences of a metric to another arm, paired by seed.

    ``base`` is the other arm, a mapping from arm to its own, or a function that chooses it; if
    there is none or it was not measured, the cell is empty. ``write`` makes the cell of the
    differences; ``itself`` is the cell of the other arm.
    """

    def cell(measured: Measured, arm: str) -> str | None:
        if isinstance(base, Mapping):
            return difference(measured, arm, base.get(arm), metric, write)
        other = base(measured) if callable(base) else base
        return itself if arm == other else difference(measured, arm, other, metric, write)

    return Column(header, cell)
