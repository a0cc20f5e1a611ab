"""Figures of images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import fashion_zoo.show.plots.canvas as canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pictures(
    rows: Sequence[tuple[np.ndarray, Sequence[str] | None]],
    title: str,
    *,
    labels: Sequence[str] = (),
    caption: str = "",
) -> "Figure":
    """Draw rows of grey pictures, with a text below each.

    Args:
        rows: (count, height, width) pixels in 0..255, and a text for each or none.
        title: what stands above, on as many lines as the width asks for.
        labels: what stands before each row.
        caption: which images these are.
    """
    columns = len(rows[0][0])
    width = 1.15 * columns + 0.2 + 0.08 * max(map(len, labels), default=0)
    height = 0.5 + sum(1.15 + 0.35 * bool(row[1]) for row in rows)
    figure = canvas.blank(width, height)
    canvas.say(figure, title, caption)
    for text, points in ((figure.get_suptitle(), 14), (figure.get_supxlabel(), 11)):
        height += points / 72 * (text.count("\n") + bool(text))
    figure.set_figheight(height)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (images, texts) in zip(axes, rows, strict=True):
        for number, (axis, image) in enumerate(zip(line, images, strict=True)):
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
            axis.set(xticks=[], yticks=[])
            if texts:
                axis.set_xlabel(texts[number], size=7, linespacing=1.2)
    for line, text in zip(axes, labels, strict=False):
        line[0].set_ylabel(text, rotation=0, ha="right", va="center", size=9)
    return figure
