"""Figures of an evaluation: confusion matrix, reliability, mistakes; and rows of images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

import fashion_zoo.show.plots.canvas as canvas
from fashion_zoo.language.wording import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PALEST = 0.25  # opacity of a bar whose accuracy is unknown
_LONG = 24  # letters of a name


def confusion(
    matrix: np.ndarray, class_names: Sequence[str], accuracy: str, *, caption: str = ""
) -> "Figure":
    """Draw a confusion matrix of (true, predicted) counts, with its ``accuracy`` in the title."""
    from matplotlib.colors import PowerNorm

    figure, (axis,) = canvas.grid(8, 7.6)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))  # so that mistakes are seen
    places, names = np.arange(len(class_names)), [canvas.short(one, _LONG) for one in class_names]
    axis.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor")
    axis.set_yticks(places, names)
    axis.set(xlabel="predicted", ylabel="true")
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            color = "white" if shares[row, column] > 0.4 else "black"
            axis.text(column, row, f"{count:,}", ha="center", va="center", color=color, size=8)
    canvas.annotate(
        figure,
        f"Confusion matrix, {accuracy}",
        f"{caption}\nCounts of images: a row is a true class, and its colour the share of the row, "
        "on a square-root scale. Counts off the diagonal are mistakes.",
    )
    return figure


def reliability(bins: Sequence[Mapping[str, float]], ece: float, *, caption: str = "") -> "Figure":
    """Draw a reliability diagram of the bins of ``confidence_bins``."""
    figure, (upper, lower) = canvas.grid(7, 7.4, 2, sharex=True, height_ratios=[3, 1])
    full = [entry for entry in bins if entry["count"]]
    width = bins[0]["high"] - bins[0]["low"]
    lows, counts, confidence, accuracy, ends_low, ends_high = (
        np.array([entry[name] for entry in full])
        for name in ("low", "count", "confidence", "accuracy", "accuracy_low", "accuracy_high")
    )
    upper.plot([0, 1], [0, 1], color=canvas.QUIET, linestyle="--", linewidth=1, label="calibrated")
    bars = upper.bar(
        lows, accuracy, width, align="edge", color=canvas.TRAINING, edgecolor="white",
        label="accuracy in the bin",
    )  # fmt: skip
    for bar, uncertain in zip(bars, ends_high - ends_low, strict=True):
        bar.set_alpha(max(1 - uncertain, _PALEST))
    upper.errorbar(
        lows + width / 2, accuracy, (accuracy - ends_low, ends_high - accuracy), fmt="none",
        ecolor="black", elinewidth=1, capsize=3, label="its 95 % interval",
    )  # fmt: skip
    upper.plot(
        confidence, confidence, color=canvas.VALIDATION, marker="o", linestyle="",
        label="its mean confidence",
    )  # fmt: skip
    upper.set(ylabel="accuracy", ylim=(0, 1.02))
    upper.legend(loc="upper left", fontsize=9)
    lower.bar(lows, counts, width, align="edge", color="gray", edgecolor="white")
    for low, count in zip(lows, counts, strict=True):
        lower.text(low + width / 2, count, f"{count:,.0f}", ha="center", va="bottom", size=7)
    lower.set(xlabel="confidence of the predicted class", ylabel="images", xlim=(0, 1))
    lower.margins(y=0.2)
    canvas.in_percent(upper)
    canvas.in_percent(lower, "x")
    canvas.annotate(
        figure,
        f"Reliability, expected calibration error {percent(ece)}",
        f"{caption}\nWhere a bar ends below its dot, the model is surer than it is right. The "
        "paler a bar, the wider its interval (Wilson).",
    )
    return figure


def errors(
    images: np.ndarray,
    true_names: Sequence[str],
    predicted_names: Sequence[str],
    confidences: Sequence[float],
    *,
    indices: Sequence[int],
    caption: str = "",
) -> "Figure":
    """Draw (n, height, width) uint8 images that were classified wrong in a grid, five per row.

    ``confidences`` are probabilities of the predicted classes, ``indices`` positions in the file.
    """
    rows = max(-(-len(images) // 5), 1)
    figure, axes = canvas.grid(10, 2.5 * rows + 0.9, rows, 5, used=0)
    for axis, image, true, predicted, confidence, index in zip(
        axes, images, true_names, predicted_names, confidences, indices, strict=False
    ):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        names = canvas.short(true, _LONG), canvas.short(predicted, _LONG)
        label = f"image {index}\ntrue {names[0]}\npredicted {names[1]}\n{percent(confidence)}"
        axis.set_title(label, size=8, linespacing=1.15)
    title = "The most confident mistakes" if len(images) else "No mistakes"
    canvas.annotate(
        figure,
        title,
        f"{caption}\nThe number of an image is its place in the file, from 0; the percentage is "
        "the probability of the predicted class.",
    )
    return figure


def pictures(
    rows: Sequence[tuple[np.ndarray, Sequence[str] | None]],
    title: str,
    *,
    labels: Sequence[str] = (),
    caption: str = "",
) -> "Figure":
    """Draw rows of (count, height, width) images in 0..255, with a text below each or none."""
    columns = len(rows[0][0])
    width = 1.15 * columns + 0.2 + 0.08 * max(map(len, labels), default=0)
    height = 0.5 + sum(1.15 + 0.35 * bool(row[1]) for row in rows)
    figure = canvas.blank(width, height)
    canvas.annotate(figure, title, caption)
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


def gallery(
    tiles: Sequence[Sequence[np.ndarray]],
    texts: Sequence[str],
    title: str,
    *,
    caption: str = "",
    columns: int = 8,
) -> "Figure":
    """Draw tiles of one or several (height, width) or (height, width, 3) images in 0..255.

    All have one shape. The images of a tile are side by side, with its text below.
    """
    rows = max(-(-len(tiles) // columns), 1)
    lines = max((text.count("\n") + 1 for text in texts), default=1)
    wide = max(map(len, tiles), default=1)
    each = 0.5 + 0.7 * wide  # inches
    height = rows * (each / wide + 0.14 * lines) + 0.9
    figure, axes = canvas.grid(each * columns, height, rows, columns, used=0)
    for axis, images, text in zip(axes, tiles, texts, strict=False):
        edge = np.full((images[0].shape[0], 1, *images[0].shape[2:]), 255, np.uint8)
        parts = [part for image in images for part in (edge, image)][1:]
        axis.imshow(np.concatenate(parts, axis=1), cmap="gray", vmin=0, vmax=255)
        below = {"transform": axis.transAxes, "ha": "center", "va": "top", "linespacing": 1.15}
        axis.text(0.5, -0.03, text, size=6.5, **below)
    canvas.annotate(figure, title, caption)
    return figure
