"""Whether progress is shown, and a line on the terminal for work that takes seconds."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, Literal, TextIO, cast

from fashion_zoo.errors import ConfigError
from fashion_zoo.show import streams

Progress = bool | Literal["auto"]
"""Type of ``progress=``; "auto" shows it in a terminal and in a notebook only."""

_line: Any = None  # the one that is on the terminal


def in_notebook() -> bool:
    """Whether this program runs in a Jupyter kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def is_shown(progress: object) -> bool:
    """Whether progress is to be shown; raise ConfigError if it is not True, False or "auto"."""
    if isinstance(progress, bool):
        return progress
    if progress != "auto":
        raise ConfigError(f"progress must be True, False or 'auto', received {progress!r}.")
    return in_notebook() or streams.stderr().isatty()


@contextlib.contextmanager
def waiting(text: str, progress: Progress = "auto") -> Iterator[None]:
    """Show a text, such as ``"Exporting"``, and the elapsed time until the block ends.

    The line is removed afterwards. Inside another one only its text is replaced.
    """
    global _line
    if _line is not None:
        task = _line.tasks[0]
        before = task.description
        _line.update(task.id, description=text)
        try:
            yield
        finally:
            _line.update(task.id, description=before)
        return
    terminal = streams.stderr()
    if not terminal.isatty() or in_notebook() or not is_shown(progress):
        yield
        return
    from rich import console, progress as bars

    # Its own descriptor, because the block may redirect that of stderr.
    own = os.dup(terminal.fileno())
    file = os.fdopen(own, "w", encoding=terminal.encoding, errors="replace")
    _line = bars.Progress(
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}", markup=False),
        bars.TimeElapsedColumn(),
        console=console.Console(file=cast(TextIO, streams.unbreakable(file))),
        transient=True,
        redirect_stdout=False,  # results are printed as ever
    )
    _line.add_task(text, total=None)
    try:
        with _line:
            yield
    finally:
        _line = None
        with contextlib.suppress(OSError):  # the terminal is gone, and what was left to write
            file.close()


@contextlib.contextmanager
def paused(text: str) -> Iterator[None]:
    """Remove the line while results are printed; it comes back with another text."""
    if _line is None:
        yield
        return
    _line.stop()
    yield
    _line.update(_line.tasks[0].id, description=text)
    _line.start()
