"""Output streams that never raise, so that a lost terminal does not end a training."""

import sys
from typing import Any, TextIO


class Unbreakable:
    r"""A text stream that writes nothing more once a write has failed.

    It fails for a closed pipe, a full disk or a closed descriptor. Characters that the
    stream's encoding lacks are escaped, such as ``\u0142``.

    Args:
        stream: the stream to write to; None writes nothing.
    """

    def __init__(self, stream: TextIO | None):
        self.stream = stream
        self.broken: OSError | ValueError | None = None
        """The error of the write that failed, if any."""

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
        if name == "stream":  # during copy.copy it is not set yet
            raise AttributeError(name)
        return getattr(self.stream, name)


def unbreakable(stream: Any) -> Unbreakable:
    """Return an ``Unbreakable`` of the stream."""
    return stream if isinstance(stream, Unbreakable) else Unbreakable(stream)


def stderr() -> Any:
    """Return an ``Unbreakable`` of the present stderr."""
    return unbreakable(sys.stderr)


def say(line: str) -> None:
    """Print a line on stderr, if it can be written."""
    print(line, file=stderr(), flush=True)
