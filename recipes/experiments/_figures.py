"""Figures of several experiments, drawn from rows alone and readable on a phone."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fashion_zoo.evaluation.statistics import (
    ANYTHING,
    DIFFERENCE,
    FRACTION,
    Bounds,
    Interval,
    mean_interval,
)
from fashion_zoo.experiments import Measured
from fashion_zoo.show.plots import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 5.2  # inches, so that letters of 9 points can be read on a phone
_MARKS = "osD^v"


class Point(NamedTuple):
    """Where an arm is drawn: its series, which has a colour, and its place in it."""

    series: str
    at: Any
    """A name, or a number on an axis."""


class Panel(NamedTuple):
    """What is drawn on an axis: the mean of a metric of each arm with its interval."""

    metric: str
    label: str
    percent: bool = False
    """Whether it is a fraction, shown in percent."""
    bounds: Bounds = ANYTHING
    """The bounds of the interval of what is no fraction."""
    against: str = ""
    """The arm from which the points of a fraction are counted, paired by seed."""

    def found(self, measured: Measured, arm: str) -> tuple[float, Interval] | None:
        """Return mean and interval of an arm, None if there are none."""
        if not measured.has(arm, self.metric) or arm == self.against:
            return None
        values, bounds, scale = measured.values(arm, self.metric), self.bounds, 1
        if self.percent:
            bounds = FRACTION
        if self.against:
            values = measured.paired(arm, self.against, self.metric)
            bounds, scale = DIFFERENCE, 100
        if not values:
            return None
        low, high = mean_interval(values, bounds)
        return scale * sum(values) / len(values), Interval(scale * low, scale * high)


ACCURACY = Panel("test_accuracy", "test accuracy", percent=True)


def by_row(
    points: Mapping[str, Point], title: str, caption: str, *panels: Panel
) -> "Callable[[Measured], Figure]":
    """Return the function that draws a row for each place, and in it a mark for each series.

    The panels, by default one of the test accuracy, are one below the other.
    """

    def draw(measured: Measured) -> "Figure":
        places, shown = list(dict.fromkeys(at for _, at in points.values())), panels or (ACCURACY,)
        height = 1.2 + (0.5 + 0.32 * len(places)) * len(shown)
        whole, axes = canvas.grid(WIDTH, height, len(shown), 1)
        for panel, axis in zip(shown, axes, strict=True):
            for series, number in _numbered(points):
                found = _found(measured, points, series, panel)
                _marks(axis, found, places, number, series)
            axis.set_yticks(range(len(places)), [str(place) for place in places], size=9)
            axis.set_ylim(len(places) - 0.5, -0.5)
            axis.set_xlabel(panel.label)
            if panel.percent:
                canvas.in_percent(axis, "x")
            if panel.against:
                axis.axvline(0, color=canvas.QUIET, linewidth=1)
        return _finished(whole, list(axes), title, caption)

    return draw


def _marks(
    axis: "Axes", found: Sequence[Any], places: Sequence[Any], number: int, series: str
) -> None:
    rows = [places.index(at) + 0.14 * number for at, *_ in found]
    means, color = [mean for _, mean, _ in found], canvas.COLORS[number]
    axis.errorbar(
        means, rows, xerr=_bars(found), capsize=3, color=color,
        fmt=_MARKS[number % len(_MARKS)], label=series or None,
    )  # fmt: skip


def by_number(
    points: Mapping[str, Point], panels: Sequence[Panel], xlabel: str, title: str, caption: str
) -> "Callable[[Measured], Figure]":
    """Return the function that draws a line for each series over numbers, evenly spaced.

    The panels are one below the other.
    """

    def draw(measured: Measured) -> "Figure":
        whole, axes = canvas.grid(WIDTH, 1.2 + 2.6 * len(panels), len(panels), 1, sharex=True)
        places = sorted({point.at for point in points.values()})
        for panel, axis in zip(panels, axes, strict=True):
            for series, number in _numbered(points):
                found = _found(measured, points, series, panel)
                _line(axis, found, places, number, series)
            axis.set_ylabel(panel.label)
            if panel.percent:
                canvas.in_percent(axis)
        axes[-1].set_xticks(range(len(places)), map(_tick, places))
        axes[-1].set_xlabel(xlabel)
        return _finished(whole, list(axes), title, caption)

    return draw


def _tick(place: float) -> str:
    """Return a number in at most six characters, so that neighbours do not touch."""
    text = f"{place:g}"
    return text if len(text) <= 6 else f"{place:.2g}"


def _line(
    axis: "Axes", found: Sequence[Any], places: Sequence[Any], number: int, series: str
) -> None:
    across = [places.index(at) + 0.06 * number for at, *_ in found]
    axis.errorbar(
        across, [mean for _, mean, _ in found], yerr=_bars(found), capsize=3,
        marker=_MARKS[number % len(_MARKS)], **canvas.style(number, series),
    )  # fmt: skip


def _numbered(points: Mapping[str, Point]) -> list[tuple[str, int]]:
    names = dict.fromkeys(point.series for point in points.values())
    return [(name, number) for number, name in enumerate(names)]


def _found(
    measured: Measured, points: Mapping[str, Point], series: str, panel: Panel
) -> list[tuple[Any, float, tuple[float, float]]]:
    """Return place, mean and interval of each measured arm of a series."""
    own = {arm: point.at for arm, point in points.items() if point.series == series}
    each = [(at, panel.found(measured, arm)) for arm, at in own.items()]
    return [(at, *one) for at, one in each if one]


def _bars(found: Sequence[Any]) -> list[list[float]]:
    """Return how far the intervals reach below and above the means."""
    return [
        [mean - low for _, mean, (low, _) in found],
        [high - mean for _, mean, (_, high) in found],
    ]


def legend_above(axis: "Axes") -> None:
    """Put the legend of several series between the title and the first axis."""
    _, names = axis.get_legend_handles_labels()
    if len(names) > 1:
        axis.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=9, frameon=False,
            borderaxespad=0,
        )  # fmt: skip


def _finished(whole: "Figure", axes: Sequence["Axes"], title: str, caption: str) -> "Figure":
    for axis in axes:
        axis.grid(alpha=0.3)
    legend_above(axes[0])
    canvas.annotate(whole, title, f"{caption} Mean over the seeds with its 95 % interval.")
    return whole
