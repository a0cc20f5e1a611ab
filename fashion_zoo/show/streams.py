"""What is shown never decides what is kept: streams that fall silent where others raise."""

import sys
from typing import Any, TextIO


class Unbreakable:
    r"""A text stream that falls silent when nobody can read it any more.

    A reader that has ended, a full disk, a closed descriptor or no stream at all: without this, the
    first line of progress that cannot be written would end a training. What the stream's encoding
    cannot write is written as an escape, such as ``\u0142``.

    Args:
        stream: what to write to; None is silent from the start.
    """

    def __init__(self, stream: TextIO | None):
        self.stream = stream
        self.broken: OSError | ValueError | None = None
        """Why it fell silent; None while it speaks, and where there was no stream."""

    def write(self, text: str) -> int:
        """Write, or do nothing."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Flush, or do nothing."""
        self._try("flush")

    @property
    def encoding(self) -> str:
        """The encoding of the stream."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        if self.stream is None or self.broken:
            return False
        try:
            return self.stream.isatty()
        except ValueError:  # it was closed
            return False

    def _try(self, name: str, *arguments: str) -> None:
        if self.stream is None or self.broken:
            return
        try:
            getattr(self.stream, name)(*arguments)
        except UnicodeEncodeError as error:
            escaped = [text.encode(error.encoding, "backslashreplace") for text in arguments]
            self._try(name, *(text.decode(error.encoding) for text in escaped))
        except (OSError, ValueError) as error:  # ValueError: the file was closed
            self.broken = error

    def __getattr__(self, name: str) -> Any:
        if name == "stream":  # a copy that is being made has none yet
            raise AttributeError(name)
        return getattr(self.stream, name)


def unbreakable(stream: Any) -> Unbreakable:
    """Return a stream that falls silent where this one would raise."""
    return stream if isinstance(stream, Unbreakable) else Unbreakable(stream)


def stderr() -> Any:
    """Return where lines for a person go, whatever has become of stderr."""
    return unbreakable(sys.stderr)


def say(line: str) -> None:
    """Print a line on stderr, or nothing where nobody can read it."""
    print(line, file=stderr(), flush=True)
