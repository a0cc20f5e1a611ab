"""Figures of a training: curves, a learning-rate range test, schedules."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

import fashion_zoo.show.plots.canvas as canvas
from fashion_zoo.language.wording import counted, listed, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MANY = 40  # epochs; more need no marks on their curves
_DROPOUT = "dropout rate"
_PANEL = 3.1  # inches, the least width of one with its ticks and its legend
# Place of a legend: below the label of the x axis, where it covers no curve.
_BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17)}
_BELOW_LOW = {**_BELOW, "bbox_to_anchor": (0.5, -0.27)}  # of the lower, shorter axes


def curves(
    history: Mapping[str, Sequence[float]],
    title: str,
    *,
    kept: int | None = None,
    within: Sequence[str] = (),
    metrics: Sequence[str] = (),
    caption: str = "",
) -> "Figure":
    """Draw loss, accuracy and further metrics per epoch, and below them the values that changed.

    ``history`` has the columns of ``history.csv``, ``kept`` is the epoch, from 1, whose weights
    were kept, ``within`` names influences on the training alone, such as ``"dropout"``, and
    ``metrics`` are columns of fractions.
    """
    last = len(history["loss"])
    kept = kept or last
    measured = ("loss", "accuracy", *metrics)
    varied = _varied(history, measured)
    figure = canvas.blank(max(11, _PANEL * max(len(measured), len(varied))), 7.6)
    rows = figure.add_gridspec(2, 1, height_ratios=[3, 2])
    # Each row has columns of its own: a common multiple would be many narrow ones.
    places = rows[0].subgridspec(1, len(measured))
    for number, name in enumerate(measured):
        _draw_measured(figure.add_subplot(places[number]), history, name, kept)
    places = rows[1].subgridspec(1, len(varied))
    for number, (name, lines) in enumerate(varied.items()):
        _draw_varied(figure.add_subplot(places[number]), name, lines)
    for axis in figure.axes:
        axis.grid(alpha=0.3)
        axis.set_xlabel("epoch")
        axis.locator_params(axis="y", nbins=7)  # a number that follows the height moves the layout
        canvas.whole_ticks(axis, last)
    inside = f", with {listed(within)} in them" if within else ""
    canvas.annotate(
        figure,
        title,
        f"{caption}\nTraining figures are means over the epoch while the weights change{inside}; "
        f"validation is measured after the epoch{', without' if within else ''}. Values that "
        "change are shown as of the last step of an epoch, norms of gradients over all of it.",
    )
    return figure


def _varied(
    history: Mapping[str, Sequence[float]], measured: Sequence[str]
) -> dict[str, dict[str, Sequence[float]]]:
    """Return the learning rate and the values that changed, by their headings."""
    parts = ("", "val_", "averaged_val_")
    others = {"epoch", *(part + name for part in parts for name in measured)}
    found: dict[str, dict[str, Sequence[float]]] = {}
    for name, values in history.items():
        if name == "learning_rate" or (name not in others and not name.endswith("_rate")):
            if name == "learning_rate" or len(set(values)) > 1:
                found[name.replace("_", " ")] = {"": values}
        elif name.endswith("_rate"):
            found.setdefault(_DROPOUT, {})[name.removesuffix("_rate")] = values
    return found


def _draw_measured(axis: "Axes", history: Mapping[str, Sequence[float]], name: str, kept: int):
    epochs = np.arange(1, len(history[name]) + 1)
    mark = "." if len(epochs) <= _MANY else ""
    for column, part, color in (
        (name, "training", canvas.TRAINING),
        (f"val_{name}", "validation", canvas.VALIDATION),
        (f"averaged_val_{name}", "averaged weights", canvas.COLORS[2]),
    ):
        if column in history:
            reached = history[column][kept - 1]
            text = f"{reached:.4f}" if name == "loss" else percent(reached)
            axis.plot(epochs, history[column], color=color, marker=mark, label=f"{part} {text}")
    axis.axvline(kept, color=canvas.QUIET, linestyle=":", linewidth=1)
    axis.set_title(name.replace("_", " "), size=10)
    axis.set_ylabel("nats per image" if name == "loss" else "share of the images")
    if name != "loss":
        canvas.in_percent(axis)
    why = "the last" if kept == len(epochs) else "whose weights were kept"
    axis.legend(title=f"epoch {kept}, {why}", fontsize=9, title_fontsize=9, **_BELOW)


def _draw_varied(axis: "Axes", name: str, lines: Mapping[str, Sequence[float]]) -> None:
    if len({tuple(values) for values in lines.values()}) == 1:  # identical lines
        lines = {"": next(iter(lines.values()))}
    for number, (line, values) in enumerate(lines.items()):
        epochs = np.arange(1, len(values) + 1)
        mark = "." if len(epochs) <= _MANY else ""
        axis.plot(epochs, values, marker=mark, **canvas.style(number, canvas.short(line, 24)))
    if len(lines) > 1:
        axis.legend(fontsize=7, ncols=min(len(lines), 3), **_BELOW_LOW)
    axis.set_title(name, size=10)
    if name == _DROPOUT:
        axis.set_ylabel("fraction of the units")
    axis.set_ylim(bottom=0)


def schedules(factors: Mapping[str, Sequence[float]], *, overlay: bool = False) -> "Figure":
    """Draw schedules, factors at evenly spaced progress in [0, 1], three per row or overlaid."""
    columns = 1 if overlay else min(len(factors), 3)
    rows = 1 if overlay else -(-len(factors) // columns)
    width, height = (9, 4.5) if overlay else (3.7 * columns, 2.6 * rows + 0.4)
    figure, axes = canvas.grid(width, height, rows, columns, used=len(factors))
    for number, (name, values) in enumerate(factors.items()):
        axis = axes[0 if overlay else number]
        curve = canvas.style(number if overlay else 0, textwrap.fill(name, 36))
        axis.plot(np.linspace(0, 1, len(values)), values, **curve)
        if not overlay:
            axis.set_title(textwrap.fill(name, 44), size=9)
    for axis in axes:
        axis.set(xlim=(0, 1), xlabel="progress", ylabel="factor")
        axis.set_ylim(bottom=min(0, axis.dataLim.y0))
        axis.grid(alpha=0.3)
    if overlay:
        figure.legend(loc="outside right upper", fontsize=9)
    return figure


def range_test(
    rates: np.ndarray,
    losses: np.ndarray,
    smoothed: np.ndarray,
    suggestions: Mapping[str, tuple[float, float, float]],
    title: str,
    *,
    caption: str = "",
) -> "Figure":
    """Draw a learning-rate range test: the mean curve, its range over the seeds, the suggestions.

    ``rates`` are (steps,), ``losses`` and ``smoothed`` (seeds, steps), NaN after a seed has
    diverged. A suggestion is a rate, and the smallest and largest over the seeds.
    """
    figure, (axis,) = canvas.grid(8, 5.2)
    whole = np.isfinite(smoothed).all(axis=0)
    axis.plot(rates, losses.T, color="gray", alpha=0.25, linewidth=0.7)
    axis.fill_between(
        rates[whole], smoothed[:, whole].min(axis=0), smoothed[:, whole].max(axis=0),
        color=canvas.TRAINING, alpha=0.25, linewidth=0,
        label=f"range of {counted(len(losses), 'seed')}",
    )  # fmt: skip
    mean = smoothed[:, whole].mean(axis=0)
    axis.plot(rates[whole], mean, color=canvas.TRAINING, label="mean, smoothed")
    for (name, (rate, low, high)), color in zip(
        suggestions.items(), canvas.COLORS[1:], strict=False
    ):
        axis.axvspan(low, high, color=color, alpha=0.15, linewidth=0)
        axis.axvline(rate, color=color, linestyle="--", label=f"{name} {rate:.1e}")
    top = np.nanmax(smoothed[:, whole])
    axis.set(
        xscale="log", xlabel="learning rate", ylabel="training loss of the step",
        ylim=(max(0, np.nanmin(losses) * 0.95), top * 1.1),
    )  # fmt: skip
    axis.grid(alpha=0.3)
    axis.legend(loc="best", fontsize=8)
    canvas.annotate(figure, title, caption)
    return figure
