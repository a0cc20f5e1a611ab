"""Figures of the layers of a model: one place on the x axis for each, in the order of the model."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

import fashion_zoo.show.plots.canvas as canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTERS = 16  # of the name of a layer
_MANY = 24  # layers; of more every second, third, ... is named


def bands(
    names: Sequence[str],
    rows: Mapping[str, Mapping[str, np.ndarray]],
    title: str,
    *,
    log: bool = False,
    caption: str = "",
) -> "Figure":
    """Draw distributions: a row for each quantity, in it one set of axes for each epoch.

    ``rows`` is label of the quantity to name of an epoch to (layers, quantiles), an odd number of
    quantiles in ascending order, NaN where there is none. The middle one is a line, and between the
    others that belong together the area is filled.
    """
    columns = max(map(len, rows.values()))
    figure, axes = canvas.grid(
        max(4.2 * columns, 7), 3.2 * len(rows) + 1, len(rows), columns, sharex=True, sharey="row"
    )
    for row, (label, epochs) in enumerate(rows.items()):
        for column, (epoch, values) in enumerate(epochs.items()):
            axis = axes[row * columns + column]
            _band(axis, values, log)
            _name_layers(axis, names)
            if row == 0:
                axis.set_title(epoch, size=10)
        axes[row * columns].set_ylabel(label)
    canvas.annotate(figure, title, caption)
    return figure


def _band(axis: "Axes", values: np.ndarray, log: bool) -> None:
    places, middle = np.arange(len(values)), values.shape[1] // 2
    values = np.where(values > 0, values, np.nan) if log else values
    for lower in range(middle):
        low, high = values[:, lower], values[:, -1 - lower]
        alpha = 0.15 + 0.15 * lower
        axis.fill_between(places, low, high, color=canvas.TRAINING, alpha=alpha, linewidth=0)
        axis.vlines(places, low, high, color=canvas.TRAINING, alpha=alpha)  # a single layer
    axis.plot(places, values[:, middle], color=canvas.TRAINING, marker=".")
    if log:
        axis.set_yscale("log")


def levels(
    names: Sequence[str],
    panels: Mapping[str, Mapping[str, Sequence[float | None]]],
    title: str,
    *,
    limits: Mapping[str, Sequence[float]] | None = None,
    log: bool = False,
    caption: str = "",
) -> "Figure":
    """Draw one number per layer, a line for each epoch, in a panel for each quantity.

    ``panels`` is label of the quantity to name of an epoch to a number for each layer, None where
    there is none; ``limits`` are those of findings, by the same labels.
    """
    figure, axes = canvas.grid(9, 3.2 * len(panels) + 0.8, len(panels), sharex=True)
    for axis, (label, epochs) in zip(axes, panels.items(), strict=True):
        for number, (epoch, values) in enumerate(epochs.items()):
            heights = np.array(values, dtype=float)
            known = np.flatnonzero(np.isfinite(heights))
            axis.plot(known, heights[known], marker=".", **canvas.style(number, epoch))
        for limit in (limits or {}).get(label, ()):
            axis.axhline(limit, color=canvas.QUIET, linestyle=":", linewidth=1)
        axis.set_ylabel(label)
        if log:
            axis.set_yscale("log")
        _name_layers(axis, names)
    axes[0].legend(fontsize=8)
    canvas.annotate(figure, title, caption)
    return figure


def _name_layers(axis: "Axes", names: Sequence[str]) -> None:
    places = range(0, len(names), -(-len(names) // _MANY))
    short = [canvas.short(names[place], _LETTERS) for place in places]
    axis.set_xticks(places, short, rotation=60, ha="right", rotation_mode="anchor", size=7)
    axis.set_xlim(-0.5, len(names) - 0.5)
    axis.grid(alpha=0.3)
