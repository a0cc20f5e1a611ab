"""Draw schedules."""

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
        expressions: what ``schedules.get`` reads, one or several; all of the vocabulary with its
            defaults when there are none.
        to: a file, PNG or what else matplotlib writes; by default there is none.
        overlay: whether all are drawn on the same axes, to be compared.
        force: replace a file there that is no picture of this package.

    Returns:
        The figure, which a notebook shows.

    Raises:
        ConfigError: an expression cannot be read, or the file's ending is not a picture's.
        StorageError: something else is there, or the file cannot be written.
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
