"""Figures of an evaluation: the confusion matrix, reliability, the worst mistakes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

import fashion_zoo.show.plots.canvas as canvas
from fashion_zoo.language.wording import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PALEST = 0.25  # of a bar whose accuracy nobody knows
_LONG = 24  # letters of a name


def confusion(
    matrix: np.ndarray,
    class_names: Sequence[str],
    *,
    interval: tuple[float, float] | None = None,
    caption: str = "",
) -> "Figure":
    """Draw a confusion matrix.

    Args:
        matrix: (classes, classes) counts, true class down, predicted class across.
        class_names: name of each class.
        interval: the 95 % interval of the accuracy, two fractions.
        caption: of which run and which images.
    """
    from matplotlib.colors import PowerNorm

    figure = canvas.blank(8, 7.6)
    axis = figure.subplots()
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
    accuracy = percent(np.trace(matrix) / max(matrix.sum(), 1))
    between = ""
    if interval:
        between = f" (95 % interval {percent(interval[0])} to {percent(interval[1])})"
    canvas.say(
        figure,
        f"Confusion matrix, accuracy {accuracy}{between}",
        f"{caption}\nCounts of images: a row is a true class, and its colour the share of the row, "
        "on a square-root scale. What is off the diagonal is wrong.",
    )
    return figure


def reliability(bins: Sequence[Mapping[str, float]], ece: float, *, caption: str = "") -> "Figure":
    """Draw a reliability diagram.

    Args:
        bins: for each bin of confidence its ``low``, ``high``, ``count``, ``confidence`` and
            ``accuracy`` (means, fractions), and the 95 % interval of the latter,
            ``accuracy_low`` and ``accuracy_high``.
        ece: the expected calibration error, a fraction.
        caption: of which run and which images.
    """
    figure = canvas.blank(7, 7.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
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
    canvas.say(
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
    """Draw mistakes in a grid, five a row.

    Args:
        images: (n, height, width) uint8.
        true_names: what each image is.
        predicted_names: what it was taken for.
        confidences: probability of the predicted class.
        indices: which images of the file these are, from 0.
        caption: of which run and which images.
    """
    rows = max(-(-len(images) // 5), 1)
    figure = canvas.blank(10, 2.5 * rows + 0.9)
    axes = figure.subplots(rows, 5, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, image, true, predicted, confidence, index in zip(
        axes, images, true_names, predicted_names, confidences, indices, strict=False
    ):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        names = canvas.short(true, _LONG), canvas.short(predicted, _LONG)
        says = f"image {index}\ntrue {names[0]}\nsaid {names[1]}\n{percent(confidence)}"
        axis.set_title(says, size=8, linespacing=1.15)
    title = "The most confident mistakes" if len(images) else "No mistakes"
    canvas.say(
        figure,
        title,
        f"{caption}\nThe number of an image is its place in the file, from 0; the percentage is "
        "the probability that the model gave to what it said.",
    )
    return figure
