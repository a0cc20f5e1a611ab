"""Pictures of schedules."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fashion_zoo import schedules
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.show import figures, plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@checked
def plot_schedules(
    expressions: str | Sequence[str] = (),
    to: Place | None = None,
    *,
    overlay: bool = False,
    force: bool = False,
) -> "Figure":
    """Draw schedules, side by side or over each other.

    Args:
        expressions: one or several schedules, as for ``schedules.get``; by default all, with their
            default arguments.
        to: a picture file in a format of matplotlib, such as PNG; by default none is written.
        overlay: whether to draw all on the same axes.
        force: replace a file that this package has not drawn.

    Returns:
        The figure, which a notebook shows.

    Raises:
        ConfigError: if an expression cannot be read, or the file does not end like a picture.
        StorageError: if another file is there, or the file cannot be written.
    """
    if to is not None:
        figures.check_place(to, force=force)
    if not expressions:
        alone = schedules.WORDS.bare()
        expressions = [*alone, "warmup >> cosine", "join([constant, linear], [0.5])"]
    expressions = [expressions] if isinstance(expressions, str) else expressions
    drawn = {text: schedules.get(text) for text in expressions}
    factors = {
        text: [schedule(step / 1000) for step in range(1001)] for text, schedule in drawn.items()
    }
    return figures.shown(lambda: plots.schedules(factors, overlay=overlay), to)
