"""Figures: each a function of arrays that returns a matplotlib figure, without global state."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fashion_zoo.wording import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRAIN, _VALIDATION = "#4C72B0", "#DD8452"


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def curves(history: Mapping[str, Sequence[float]], title: str) -> "Figure":
    """Draw loss, accuracy and what the schedules applied, over the epochs.

    Args:
        history: column name to one value an epoch, as in ``history.csv``.
        title: the line above.
    """
    from matplotlib.ticker import MaxNLocator

    rates = {name: values for name, values in history.items() if name.endswith("_rate")}
    dropout = {name: values for name, values in rates.items() if name != "learning_rate"}
    figure = _figure(12 if not dropout else 15, 4)
    axes = figure.subplots(1, 3 if not dropout else 4)
    epochs = np.arange(1, len(history["loss"]) + 1)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=False):
        axis.plot(epochs, history[name], color=_TRAIN, marker=".", label="training")
        if f"val_{name}" in history:
            axis.plot(
                epochs, history[f"val_{name}"], color=_VALIDATION, marker=".", label="validation"
            )
        axis.set(title=name, xlabel="epoch")
        axis.legend()
    axes[2].plot(epochs, rates["learning_rate"], color=_TRAIN, marker=".")
    axes[2].set(title="learning rate, last step of the epoch", xlabel="epoch")
    for name, values in dropout.items():
        axes[3].plot(epochs, values, marker=".", label=name.removesuffix("_rate"))
    if dropout:
        axes[3].set(title="dropout rate", xlabel="epoch")
        axes[3].legend()
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(title)
    return figure


def schedules(factors: Mapping[str, Sequence[float]]) -> "Figure":
    """Draw schedules side by side, three a row.

    Args:
        factors: what each schedule is called to its factors at evenly spaced progress, from 0 to 1.
    """
    columns = min(len(factors), 3)
    rows = -(-len(factors) // columns)
    figure = _figure(3.7 * columns, 2.6 * rows + 0.4)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[len(factors) :]:
        axis.axis("off")
    for axis, (name, values) in zip(axes, factors.items(), strict=False):
        axis.plot(np.linspace(0, 1, len(values)), values, color=_TRAIN)
        axis.set_title(name, size=9)
        axis.set(xlim=(0, 1), xlabel="progress", ylabel="factor")
        axis.set_ylim(bottom=min(0, *values))
        axis.grid(alpha=0.3)
    return figure


def pictures(rows: Sequence[tuple[np.ndarray, Sequence[str] | None]], title: str) -> "Figure":
    """Draw rows of grey pictures, with a text below each.

    Args:
        rows: (count, height, width) pixels in 0..255, and a text for each or none.
        title: what stands above, on as many lines as the width asks for.
    """
    columns = len(rows[0][0])
    width = 1.15 * columns + 0.2
    lines = textwrap.wrap(title, int(11 * width))  # characters of size 10 an inch
    height = 0.35 + 0.15 * len(lines) + sum(1.15 + 0.35 * bool(row[1]) for row in rows)
    figure = _figure(width, height)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (images, texts) in zip(axes, rows, strict=True):
        for number, (axis, image) in enumerate(zip(line, images, strict=True)):
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
            axis.set(xticks=[], yticks=[])
            if texts:
                axis.set_xlabel(texts[number], size=7, linespacing=1.2)
    figure.suptitle("\n".join(lines), size=10)
    return figure


def range_test(
    rates: np.ndarray,
    losses: np.ndarray,
    smoothed: np.ndarray,
    suggestions: Mapping[str, tuple[float, float, float]],
    title: str,
) -> "Figure":
    """Draw a learning-rate range test: the mean curve, its band over the seeds, the suggestions.

    Args:
        rates: (steps,) learning rates.
        losses: (seeds, steps), NaN where a seed had diverged.
        smoothed: (seeds, steps) the same, smoothed.
        suggestions: what a rule is called to its rate and the smallest and largest of a seed.
        title: the line above.
    """
    figure = _figure(8, 5)
    axis = figure.subplots()
    whole = np.isfinite(smoothed).all(axis=0)
    axis.plot(rates, losses.T, color="gray", alpha=0.25, linewidth=0.7)
    axis.fill_between(
        rates[whole], smoothed[:, whole].min(axis=0), smoothed[:, whole].max(axis=0),
        color=_TRAIN, alpha=0.25, linewidth=0, label=f"range of {counted(len(losses), 'seed')}",
    )  # fmt: skip
    axis.plot(rates[whole], smoothed[:, whole].mean(axis=0), color=_TRAIN, label="mean, smoothed")
    colors = ("#DD8452", "#55A868", "#C44E52", "#8172B3")
    for (name, (rate, low, high)), color in zip(suggestions.items(), colors, strict=True):
        axis.axvspan(low, high, color=color, alpha=0.15, linewidth=0)
        axis.axvline(rate, color=color, linestyle="--", label=f"{name} {rate:.1e}")
    top = np.nanmax(smoothed[:, whole])
    axis.set(
        xscale="log", xlabel="learning rate", ylabel="training loss of the step", title=title,
        ylim=(max(0, np.nanmin(losses) * 0.95), top * 1.1),
    )  # fmt: skip
    axis.grid(alpha=0.3)
    axis.legend(loc="best", fontsize=8)
    return figure


def confusion(matrix: np.ndarray, class_names: Sequence[str]) -> "Figure":
    """Draw a confusion matrix.

    Args:
        matrix: (classes, classes) counts, true class down, predicted class across.
        class_names: name of each class.
    """
    figure = _figure(8, 7)
    axis = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = np.arange(len(class_names))
    axis.set_xticks(places, class_names, rotation=40, ha="right")
    axis.set_yticks(places, class_names)
    axis.set(xlabel="predicted", ylabel="true", title="Confusion matrix, counts")
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            color = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, f"{count:,}", ha="center", va="center", color=color, size=8)
    return figure


def reliability(bins: Sequence[Mapping[str, float]], ece: float) -> "Figure":
    """Draw a reliability diagram.

    Args:
        bins: for each bin of confidence its ``low``, ``high``, ``count``, ``confidence`` and
            ``accuracy`` (means, fractions).
        ece: the expected calibration error, a fraction.
    """
    figure = _figure(6, 6.5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    full = [entry for entry in bins if entry["count"]]
    width = bins[0]["high"] - bins[0]["low"]
    lows = [entry["low"] for entry in full]
    upper.bar(
        lows, [entry["accuracy"] for entry in full], width, align="edge",
        color=_TRAIN, edgecolor="white", label="accuracy in the bin",
    )  # fmt: skip
    upper.plot(
        [entry["confidence"] for entry in full], [entry["confidence"] for entry in full],
        color=_VALIDATION, marker="o", linestyle=":", label="its mean confidence",
    )  # fmt: skip
    upper.set(ylabel="accuracy", ylim=(0, 1))
    upper.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    figure.suptitle(f"Reliability, ECE {100 * ece:.2f} %")
    lower.bar(
        lows, [entry["count"] for entry in full], width, align="edge",
        color="gray", edgecolor="white",
    )  # fmt: skip
    lower.set(xlabel="confidence of the predicted class", ylabel="images", xlim=(0, 1))
    return figure


def errors(
    images: np.ndarray,
    true_names: Sequence[str],
    predicted_names: Sequence[str],
    confidences: Sequence[float],
) -> "Figure":
    """Draw mistakes in a grid, five a row.

    Args:
        images: (n, 28, 28) uint8.
        true_names: what each image is.
        predicted_names: what it was taken for.
        confidences: probability of the predicted class.
    """
    rows = max(-(-len(images) // 5), 1)
    figure = _figure(10, 2.4 * rows + 0.6)
    axes = figure.subplots(rows, 5, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, image, true, predicted, confidence in zip(
        axes, images, true_names, predicted_names, confidences, strict=False
    ):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(f"true {true}\nsaid {predicted}, {100 * confidence:.1f} %", size=9)
    figure.suptitle("The most confident mistakes on the test images")
    return figure
