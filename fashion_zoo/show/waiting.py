"""A word on the terminal while something takes seconds and shows nothing of its own."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from fashion_zoo.show import streams
from fashion_zoo.show.watching import Progress, in_notebook, watched

_line: Any = None  # the one that is on the terminal


@contextlib.contextmanager
def waiting(text: str, progress: Progress = "auto") -> Iterator[None]:
    """Show on a terminal what is going on, and for how long, until the block ends.

    The line is gone afterwards. Inside another one only the words are replaced.

    Args:
        text: what is going on, such as ``"Exporting"``.
        progress: false shows nothing.
    """
    global _line
    if _line is not None:
        with _other_words(text):
            yield
        return
    terminal = streams.stderr()
    if not terminal.isatty() or in_notebook() or not watched(progress):
        yield
        return
    # Of its own, because what is waited for may send the file descriptor elsewhere.
    own = os.dup(terminal.fileno())
    file = os.fdopen(own, "w", encoding=terminal.encoding, errors="replace")
    _line = _spinner(streams.unbreakable(file), text)
    try:
        with _line:
            yield
    finally:
        _line = None
        with contextlib.suppress(OSError):  # the terminal is gone, and what was meant for it
            file.close()


@contextlib.contextmanager
def paused(text: str) -> Iterator[None]:
    """Take the line away while results are printed; it comes back with other words."""
    if _line is None:
        yield
        return
    _line.stop()
    yield
    _line.update(_line.tasks[0].id, description=text)
    _line.start()


@contextlib.contextmanager
def _other_words(text: str) -> Iterator[None]:
    task = _line.tasks[0]
    before = task.description
    _line.update(task.id, description=text)
    try:
        yield
    finally:
        _line.update(task.id, description=before)


def _spinner(file: Any, text: str) -> Any:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=file),
        transient=True,
        redirect_stdout=False,  # results go where they always go
    )
    shown.add_task(text, total=None)
    return shown
