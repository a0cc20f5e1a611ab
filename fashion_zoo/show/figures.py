"""The one place through which every figure is drawn and saved.

What a figure needs is drawn and rendered under matplotlib's own defaults: a user's matplotlibrc may
ask for LaTeX that is not installed, or for a million pixels, and neither may cost a training its
numbers. Nothing global stays changed, and pyplot's backend is not touched.
"""

import contextlib
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo import storage
from fashion_zoo.errors import ConfigError, FashionZooError, Hint, StorageError
from fashion_zoo.show.streams import say
from fashion_zoo.show.waiting import waiting
from fashion_zoo.storage import reading

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_SIGN = "fashion_zoo"
# Where a picture says who drew it, and what it then holds: such a picture may be drawn anew.
_SIGNED = {
    "png": ("Software", b"Software\0fashion_zoo"),
    "pdf": ("Creator", b"/Creator (fashion_zoo)"),
    "svg": ("Creator", b"<dc:title>fashion_zoo</dc:title>"),
}


def draw(make: Callable[[], "Figure"], ending: str = "png", **options: Any) -> bytes:
    """Draw a figure and return the bytes of its picture.

    Args:
        make: makes the figure. Its texts are shown as they are: a dollar sign begins no formula.
        ending: png, pdf, svg or what else matplotlib writes.
        **options: of matplotlib's ``savefig``.

    Raises:
        StorageError: it cannot be drawn.
    """
    file = io.BytesIO()
    try:
        with _own_defaults(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a glyph that no font has costs no picture
            figure = make()
            _plain_ticks(figure)
            if ending in _SIGNED:
                options["metadata"] = {_SIGNED[ending][0]: _SIGN}
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
    """Draw a figure into a file, which appears whole or not at all.

    Raises:
        ConfigError: the path does not end like a picture.
        StorageError: the figure cannot be drawn, or the file cannot be written.
    """
    check_ending(path)
    storage.write_bytes(path, draw(make, _ending(path)))


def shown(make: Callable[[], "Figure"], path: str | os.PathLike | None = None) -> "Figure":
    """Return a figure that a notebook shows once, and draw it into a file where one is named.

    Raises: as ``save``.
    """
    made: list[Figure] = []

    def keep() -> "Figure":
        made.append(make())
        return made[0]

    with waiting("Drawing"):
        if path is None:
            with _own_defaults():
                keep()
        else:
            save(path, keep)
    figure: Any = made[0]
    # Where pyplot was never imported, IPython knows no picture of a figure and asks for this.
    figure._repr_png_ = lambda: draw(lambda: figure)
    return figure


def try_save(path: str | os.PathLike, make: Callable[[], "Figure"]) -> bool:
    """Draw a figure into a file beside numbers that are worth more; return whether it is there.

    Write the numbers first. What goes wrong here is a line on stderr.
    """
    try:
        save(path, make)
    except FashionZooError as error:
        say(f"warning: {path} is left out. {error}")
        return False
    return True


def check_ending(path: str | os.PathLike) -> None:
    """Check that a path ends like a picture that matplotlib writes.

    Raises:
        ConfigError: it does not.
        StorageError: matplotlib cannot be loaded.
    """
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except Exception as error:  # MPLBACKEND or a matplotlibrc that it refuses
        raise StorageError(f"matplotlib, which draws pictures, cannot start: {error}.") from error
    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    if _ending(path) not in endings:
        raise ConfigError(f"The picture must end in one of {', '.join(endings)}, received {path}.")


def check_place(path: str | os.PathLike, *, force: bool = False) -> None:
    """Check that a picture may be drawn into a file.

    Args:
        path: the file.
        force: whether it may take the place of a file that is not a picture of ours.

    Raises:
        ConfigError: it does not end like a picture.
        StorageError: something else is there, or cannot be looked at.
    """
    check_ending(path)
    place = Path(path)
    with storage.as_storage_error(place):
        if not place.exists():
            return
        if place.is_dir():
            raise StorageError(f"{path} is a folder. Name a file for the picture.")
        ending = _ending(path)
        with reading.open_regular(place) as file:
            ours = ending in _SIGNED and _SIGNED[ending][1] in file.read(reading.LARGEST_TEXT)
    if not (force or ours):
        raise StorageError(
            f"{path} is there already and is no picture of fashion_zoo. Choose another place, or "
            "replace it with ",
            Hint("force", True),
            ".",
        )


def _ending(path: str | os.PathLike) -> str:
    return Path(path).suffix[1:].lower()


def _own_defaults() -> contextlib.AbstractContextManager[None]:
    """Forget what a matplotlibrc or the program around says, until the block ends."""
    import matplotlib

    # rcdefaults would choose a backend, and with it a window system
    defaults = dict(matplotlib.rcParamsDefault.items())
    del defaults["backend"]
    # A name such as "$5 shoes" or "a_b$" is no formula.
    return matplotlib.rc_context({**defaults, "text.parse_math": False})


def _plain_ticks(figure: "Figure") -> None:
    """Write 1e-05 on logarithmic axes, whose usual labels are formulas."""
    from matplotlib.ticker import LogFormatter

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log":
                axis.set_major_formatter(LogFormatter())
                axis.set_minor_formatter(LogFormatter(labelOnlyBase=True))
