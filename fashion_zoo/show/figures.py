"""Draw and save figures, under matplotlib's own defaults.

A user's matplotlibrc may ask for LaTeX that is not installed, or for a million pixels. No global
setting stays changed, and pyplot's backend is not touched.
"""

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo import schedules, storage
from fashion_zoo.errors import ConfigError, FashionZooError, Hint, StorageError
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.wording import listed
from fashion_zoo.show import plots
from fashion_zoo.show.streams import say
from fashion_zoo.show.waiting import waiting
from fashion_zoo.storage import reading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Metadata that signs a picture, and its bytes in the file: a signed picture may be replaced.
_SIGNED = {
    "png": ("Software", b"Software\0fashion_zoo"),
    "pdf": ("Creator", b"/Creator (fashion_zoo)"),
    "svg": ("Creator", b"<dc:title>fashion_zoo</dc:title>"),
}


def draw(make: Callable[[], "Figure"], ending: str = "png", **options: Any) -> bytes:
    """Return a figure as the bytes of a picture; ``options`` are those of ``savefig``."""
    file = io.BytesIO()
    try:
        with _own_defaults(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a glyph that no font has costs no picture
            figure = make()
            _plain_ticks(figure)
            if ending in _SIGNED:
                options["metadata"] = {_SIGNED[ending][0]: "fashion_zoo"}
            figure.savefig(file, format=ending, **options)
    except FashionZooError:
        raise
    except Exception as error:  # fonts, memory, a matplotlibrc that cannot be read: anything
        reason = " ".join(str(error).split()) or "no reason given"
        raise StorageError(
            f"The picture cannot be drawn: {type(error).__name__}: {reason}."
        ) from error
    return file.getvalue()


def save(path: str | os.PathLike, make: Callable[[], "Figure"]) -> None:
    """Draw a figure into a file, which appears whole or not at all."""
    storage.write_bytes(path, draw(make, Path(path).suffix[1:].lower()))


def shown(make: Callable[[], "Figure"], path: str | os.PathLike | None = None) -> "Figure":
    """Return a figure that a notebook shows once, and ``save`` it if there is a path."""
    with waiting("Drawing"):
        with _own_defaults():
            figure: Any = make()
        if path is not None:
            save(path, lambda: figure)
    # IPython has a formatter for figures only once pyplot was imported.
    figure._repr_png_ = lambda: draw(lambda: figure)
    return figure


def try_save(path: str | os.PathLike, make: Callable[[], "Figure"]) -> bool:
    """Draw a figure into a file; return whether it is there. An error is a line on stderr."""
    try:
        save(path, make)
    except FashionZooError as error:
        say(f"warning: {path} is left out. {error}")
        return False
    return True


def check_place(path: str | os.PathLike | None, *, force: bool = False) -> None:
    """Check the ending of a picture's file, and that no other file is there, unless ``force``."""
    if path is None:
        return
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except Exception as error:  # an invalid MPLBACKEND or matplotlibrc
        raise StorageError(f"matplotlib, which draws pictures, cannot start: {error}.") from error
    endings, place = FigureCanvasBase.get_supported_filetypes(), Path(path)
    ending = place.suffix[1:].lower()
    if ending not in endings:
        names = ", ".join(sorted(endings))
        raise ConfigError(f"The picture must end in one of {names}, received {path}.")
    with storage.as_storage_error(place):
        if not place.exists():
            return
        if place.is_dir():
            raise StorageError(f"{path} is a folder. Name a file for the picture.")
        with reading.open_regular(place) as file:
            signed = ending in _SIGNED and _SIGNED[ending][1] in file.read(reading.LARGEST_TEXT)
    if not (force or signed):
        raise StorageError(
            f"{path} is there already, and only {listed([*_SIGNED])} pictures of fashion_zoo are "
            "recognized. Choose another place, or replace it with ",
            Hint("force", True),
            ".",
        )


def _own_defaults() -> contextlib.AbstractContextManager[None]:
    """Use matplotlib's defaults until the block ends."""
    import matplotlib

    # Not rcdefaults, which would choose a backend, and with it a window system.
    defaults = dict(matplotlib.rcParamsDefault.items())
    del defaults["backend"]
    # A name such as "$5 shoes" or "a_b$" is no formula.
    return matplotlib.rc_context({**defaults, "text.parse_math": False})


def _plain_ticks(figure: "Figure") -> None:
    """Label logarithmic axes as 0.1 and 1e-05, instead of by formulas."""
    from matplotlib.ticker import Formatter

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log":
                axis.set_major_formatter(lambda value, _: Formatter.fix_minus(f"{value:g}"))
                axis.set_minor_formatter(lambda *_: "")


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
    check_place(to, force=force)
    if not expressions:
        alone = schedules.WORDS.bare()
        expressions = [*alone, "warmup >> cosine", "join([constant, linear], [0.5])"]
    expressions = [expressions] if isinstance(expressions, str) else expressions
    drawn = {text: schedules.get(text) for text in expressions}
    factors = {
        text: [schedule(step / 1000) for step in range(1001)] for text, schedule in drawn.items()
    }
    return shown(lambda: plots.schedules(factors, overlay=overlay), to)
