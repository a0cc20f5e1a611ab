"""Whether anybody sees what is shown: on a terminal, or in a notebook."""

import sys
import time
from typing import Any, Literal

from fashion_zoo.errors import ConfigError
from fashion_zoo.show.streams import stderr

Progress = bool | Literal["auto"]
"""What ``progress=`` takes; "auto" shows it in a terminal and in a notebook, and nowhere else."""

_LINES = 12  # of a block in a notebook; older ones give way
_PAUSE = 0.2  # seconds between two pictures of the same line


def in_notebook() -> bool:
    """Whether this program runs in a Jupyter kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def watched(progress: object) -> bool:
    """Whether progress is to be shown.

    Raises:
        ConfigError: it is not True, False or "auto".
    """
    if isinstance(progress, bool):
        return progress
    if progress != "auto":
        raise ConfigError(f"progress must be True, False or 'auto', received {progress!r}.")
    return in_notebook() or stderr().isatty()


class Block:
    """A text below a cell that is updated in place: some lines, and where things stand.

    A line of its own for every epoch would fill the notebook, and the file that it is saved in.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.status = ""
        self._handle: Any = None
        self._shown = 0.0

    def say(self, line: str) -> None:
        """Add a line above where things stand."""
        self.lines.append(line)
        self._draw()

    def stand(self, status: str, *, now: bool = True) -> None:
        """Replace where things stand; without ``now`` only where it is time for a picture."""
        self.status = status
        if now or time.monotonic() - self._shown > _PAUSE:
            self._draw()

    def _draw(self) -> None:
        from IPython.display import display

        self._shown = time.monotonic()
        hidden = len(self.lines) - _LINES
        before = [f"({hidden} lines before)"] if hidden > 0 else []
        text = "\n".join([*before, *self.lines[-_LINES:], *self.status.splitlines()])
        if self._handle is None:
            self._handle = display({"text/plain": text}, raw=True, display_id=True)
        else:
            self._handle.update({"text/plain": text}, raw=True)
