"""Figures of a search. Scores are fractions; that of a pruned trial is its last report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import fashion_zoo.show.plots.canvas as canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 11.0  # inches
_LETTERS = 16  # characters of a value on an axis
_SHOWN = 6  # labelled values of a choice on an axis


class Trials(NamedTuple):
    """Trials as arrays."""

    numbers: np.ndarray
    """(n,) int, index of each trial."""
    scores: np.ndarray
    """(n,) float, validation metric; NaN for a failed trial."""
    pruned: np.ndarray
    """(n,) bool, whether it was pruned."""
    metric: str = "validation accuracy"
    """Name of the score on axes."""

    @property
    def scored(self) -> np.ndarray:
        """(n,) bool, whether it has a score."""
        return np.isfinite(self.scores)

    @property
    def completed(self) -> np.ndarray:
        """(n,) bool, whether it has a score and was not pruned."""
        return ~self.pruned & self.scored

    def limits(self) -> tuple[float, float]:
        """Return the ends of an axis of scores, without trials that were pruned at once."""
        known, completed = self.scores[self.scored], self.scores[self.completed]
        if not len(known):
            return 0.0, 1.0
        top, middle = known.max(), np.median(completed if len(completed) > 3 else known)
        low = max(min(known.min(), middle), top - max(4 * (top - middle), 0.05))
        return float(low), float(top)


class Axis(NamedTuple):
    """A hyperparameter."""

    name: str
    values: Sequence[Any]
    """One value per trial, None where the hyperparameter was not active."""
    log: bool = False
    """Whether it was sampled on a logarithmic scale."""


def history(trials: Trials) -> "Figure":
    """Plot the score of each trial, and the best so far of the completed ones."""
    figure, (axis,) = canvas.grid(_WIDTH, 4)
    _scatter(axis, trials.numbers, trials, trials.limits(), size=30)
    if trials.completed.any():
        best = np.maximum.accumulate(np.where(trials.completed, trials.scores, -np.inf))
        seen = np.isfinite(best)
        axis.step(
            trials.numbers[seen], best[seen], where="post", color=canvas.VALIDATION,
            label="best so far",
        )  # fmt: skip
    axis.set(xlabel="trial", ylabel=trials.metric)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, fontsize=9, frameon=False)
    return figure


def _scatter(
    axis: "Axes", places: np.ndarray, trials: Trials, limits: tuple[float, float], size: float
) -> None:
    """Plot trials: filled if completed, hollow if pruned, a triangle if below the axis."""
    bottom, top = limits
    shown = np.clip(np.nan_to_num(trials.scores, nan=0), bottom, None)
    failed = ~trials.scored
    below = trials.scores < bottom
    hollow: dict[str, Any] = {"facecolors": "none", "edgecolors": "gray"}
    kinds = {
        "completed": (~trials.pruned & ~below & ~failed, "o", {"color": canvas.TRAINING}),
        "pruned, last report": (trials.pruned & ~below & ~failed, "o", hollow),
        "below the axis": (below, "v", hollow),
        "failed": (failed, "x", {"color": canvas.COLORS[3]}),
    }
    for name, (chosen, marker, colors) in kinds.items():
        if chosen.any():
            axis.scatter(
                places[chosen], shown[chosen], size, marker=marker, linewidths=1, label=name,
                clip_on=False, zorder=3, **colors,
            )  # fmt: skip
    room = max(0.05 * (top - bottom), 1e-3)
    axis.set_ylim(bottom - room, top + room)
    axis.grid(alpha=0.3)
    canvas.in_percent(axis)


def importances(shares: Mapping[str, tuple[float, float, float]]) -> "Figure":
    """Plot the (fraction, smallest, largest) of the variance that hyperparameters explain."""
    ordered = sorted(shares.items(), key=lambda one: one[1][0])
    figure, (axis,) = canvas.grid(_WIDTH, 0.36 * len(ordered) + 0.9)
    places = np.arange(len(ordered))
    values, lows, highs = np.array([three for _, three in ordered]).T
    axis.barh(places, values, color=canvas.TRAINING)
    axis.errorbar(
        values, places, xerr=(values - lows, highs - values), fmt="none", ecolor="black",
        elinewidth=1, capsize=3,
    )  # fmt: skip
    axis.set_yticks(places, [name for name, _ in ordered])
    axis.set(xlabel="fraction of the variance", xlim=(0, max(1.05 * highs.max(), 0.1)))
    axis.grid(alpha=0.3, axis="x")
    canvas.in_percent(axis, "x")
    return figure


def slices(axes: Sequence[Axis], trials: Trials) -> "Figure":
    """Plot the score over each hyperparameter, four plots per row."""
    rows, limits = -(-len(axes) // 4), trials.limits()
    figure, grid = canvas.grid(_WIDTH, 2.7 * rows + 0.2, rows, 4, used=len(axes), sharey=True)
    for place, (axis, one) in enumerate(zip(grid, axes, strict=False)):
        there = np.array([value is not None for value in one.values])
        places, ticks, labels = _places(one)
        part = Trials(*(field[there] for field in trials[:3]))
        _scatter(axis, places[there], part, limits, size=18)
        upright = max(map(len, labels), default=0) > 6
        axis.set_xticks(
            ticks, labels, size=7, rotation=30 * upright, ha="right" if upright else "center"
        )
        axis.set_xlim(-0.08, 1.08)
        axis.set_title(canvas.short(one.name, 30), size=9)
        if not place % 4:
            axis.set_ylabel(trials.metric, size=8)
    return figure


def parallel(axes: Sequence[Axis], trials: Trials) -> "Figure":
    """Plot each trial as a line through its hyperparameters to its score.

    The line passes below the axis of a hyperparameter that is not active.
    """
    figure, (axis,) = canvas.grid(_WIDTH, 5)
    bottom, top = trials.limits()
    heights = np.clip((trials.scores - bottom) / ((top - bottom) or 1), 0, 1)
    columns = [*(_places(one)[0] for one in axes), heights]
    lines = np.where(np.isnan(columns), -0.12, columns).T
    places = np.arange(len(columns))
    best = np.argmax(np.where(trials.completed, trials.scores, -np.inf))
    for number in np.argsort(np.nan_to_num(trials.scores)):
        opacity = 0.15 + 0.75 * heights[number] ** 2
        style = {"color": canvas.TRAINING, "linewidth": 1.0, "alpha": opacity, "zorder": 2}
        if trials.pruned[number]:
            style |= {"color": "gray", "linewidth": 0.7, "linestyle": ":", "alpha": 0.5}
        if number == best and trials.completed[best]:
            style |= {"color": canvas.VALIDATION, "linewidth": 2.5, "alpha": 1.0, "zorder": 3}
        if trials.scored[number]:
            axis.plot(places, lines[number], **style)
    for place, one in enumerate(axes):
        _draw_axis(axis, place, *_places(one)[1:])
    ends = [bottom, (bottom + top) / 2, top]
    _draw_axis(axis, len(axes), [0, 0.5, 1], [f"{100 * end:.1f} %" for end in ends])
    names = [canvas.short(one.name, 24) for one in axes]
    axis.set_xticks(places, [*names, trials.metric], rotation=25, ha="right", size=9)
    axis.set(xlim=(-0.3, len(axes) + 0.7), ylim=(-0.2, 1.08), yticks=[])
    for side in axis.spines.values():
        side.set_visible(False)
    return figure


def _draw_axis(axis: "Axes", place: int, ticks: Sequence[float], labels: Sequence[str]) -> None:
    axis.plot([place, place], [0, 1], color="black", linewidth=0.8, zorder=4)
    box = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8}
    for tick, label in zip(ticks, labels, strict=True):
        axis.text(place + 0.04, tick, label, size=7, va="center", zorder=5, bbox=box)


def _places(one: Axis) -> tuple[np.ndarray, list[float], list[str]]:
    """Return the (n,) positions of the values in 0..1, NaN for None, and ticks with labels."""
    known = [value for value in one.values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        numbers = np.array([np.nan if value is None else value for value in one.values], float)
        scaled = np.log10(numbers) if one.log and np.nanmin(numbers) > 0 else numbers
        low, high = float(np.nanmin(scaled)), float(np.nanmax(scaled))
        width = (high - low) or 1.0
        ends = [low, (low + high) / 2, high] if high > low else [low]
        if all(isinstance(value, int) for value in known) and scaled is numbers:
            ends = sorted({round(end) for end in ends})
        texts = [f"{10**end if scaled is not numbers else end:.3g}" for end in ends]
        return (scaled - low) / width, [(end - low) / width for end in ends], texts
    words = sorted({str(value) for value in known}, key=_in_order)
    place = {word: number / max(len(words) - 1, 1) for number, word in enumerate(words)}
    places = [np.nan if value is None else place[str(value)] for value in one.values]
    named = words[:: -(-len(words) // _SHOWN)]
    return (
        np.array(places),
        [place[word] for word in named],
        [canvas.short(word, _LETTERS) for word in named],
    )


def _in_order(word: str) -> tuple[bool, float, str]:
    """Sort key: numbers such as 64, 128 and 1024 by value, then words."""
    try:
        return False, float(word), word
    except ValueError:
        return True, 0.0, word


def front(
    costs: Mapping[str, np.ndarray],
    scores: np.ndarray,
    chosen: np.ndarray,
    metric: str = "validation accuracy",
) -> "Figure":
    """Plot (n,) scores over (n,) values of each cost; ``chosen`` marks the Pareto front."""
    figure, grid = canvas.grid(_WIDTH, 4, 1, len(costs), sharey=True)
    for axis, (name, values) in zip(grid, costs.items(), strict=True):
        axis.scatter(values[~chosen], scores[~chosen], 25, color="gray", alpha=0.6, label="others")
        axis.scatter(
            values[chosen], scores[chosen], 40, color=canvas.VALIDATION, label="Pareto front"
        )
        axis.set_xlabel(name)
        axis.grid(alpha=0.3)
        canvas.in_percent(axis)
    grid[0].set_ylabel(metric)
    grid[0].legend(fontsize=9, loc="lower right")
    return figure
