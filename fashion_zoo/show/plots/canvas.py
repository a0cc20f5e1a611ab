"""Common parts of all figures: size, colours, title and caption."""

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAINING, VALIDATION = "#4C72B0", "#DD8452"
COLORS = ("#4C72B0", "#DD8452", "#55A868", "#C44E52", "#8172B3", "#937860", "#DA8BC3", "#8C8C8C")
QUIET = "0.4"  # a grey
_TITLE, _CAPTION = 11, 8  # points


def blank(width: float, height: float) -> "Figure":
    """Return an empty figure of so many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def grid(
    width: float, height: float, rows: int = 1, columns: int = 1, used: int = 1000, **options: Any
) -> "tuple[Figure, np.ndarray]":
    """Return a figure and its axes, row by row; those after the first ``used`` are not drawn."""
    figure = blank(width, height)
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for axis in axes[used:]:
        axis.axis("off")
        axis.set(xticks=[], yticks=[])  # the layout measures ticks, drawn or not
    return figure, axes


def annotate(figure: "Figure", title: str, caption: str = "") -> None:
    """Put a title above and a caption below a figure, wrapped to its width."""
    figure.suptitle(wrapped(title, figure, _TITLE), size=_TITLE, weight="bold")
    if caption:
        lines = (wrapped(line, figure, _CAPTION) for line in caption.splitlines())
        figure.supxlabel("\n".join(lines), size=_CAPTION, color=QUIET, x=0.01, ha="left")


def wrapped(text: str, figure: "Figure", size: float) -> str:
    """Wrap a text to the width of a figure; ``size`` in points."""
    letters = 72 / (0.62 * size)  # per inch, a generous estimate
    return "\n".join(textwrap.wrap(text, max(int(letters * figure.get_figwidth()), 1)))


def short(text: str, letters: int) -> str:
    """Shorten a text to so many letters."""
    return text if len(text) <= letters else f"{text[: letters - 1]}\N{HORIZONTAL ELLIPSIS}"


def style(number: int, name: str) -> dict[str, Any]:
    """Return color, line style and legend of a curve by its number; no two look alike."""
    label = f" {name}" if name.startswith("_") else name  # a legend ignores _ names
    line = ("-", "--", ":", "-.")[number // len(COLORS) % 4]
    return {"color": COLORS[number % len(COLORS)], "linestyle": line, "label": label}


def in_percent(axis: "Axes", way: str = "y") -> None:
    """Label an axis of fractions in percent, across with few enough ticks for a phone."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    along = axis.yaxis if way == "y" else axis.xaxis
    along.set_major_formatter(PercentFormatter(1, symbol=" %"))
    if way == "x":
        along.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10)))


def whole_ticks(axis: "Axes", last: int) -> None:
    """Label an axis from 1 to ``last`` inclusive with about six ticks."""
    step = next(
        size * 10**power
        for power in range(12)
        for size in (1, 2, 5)
        if last <= 6 * size * 10**power
    )
    between = [
        number for number in range(step, last, step) if min(number - 1, last - number) > 0.4 * step
    ]
    axis.set_xticks(sorted({1, last, *between}))
    axis.set_xlim(1 - 0.04 * last, last + 0.04 * last)
