"""The errors of this package. A command prints the message and exits with ``exit_code``.

What a message proposes is data in it, such as a ``Hint`` or a ``Call``, because the same error is
read in Python and on a command line. ``str`` writes it in Python; the commands write it in flags.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any


@dataclasses.dataclass(frozen=True)
class Hint:
    """A setting that a message proposes or names.

    Args:
        setting: an argument of a function of ``fashion_zoo``, or a field of a config, such as
            ``training.learning_rate``.
        value: the value to set; None for the setting alone.
    """

    setting: str
    value: Any = None

    def __str__(self) -> str:
        if self.value is None:
            return self.setting
        name, *inside = self.setting.split(".")
        value = self.value
        for field in reversed(inside):
            value = {field: value}
        return f"{name}={_literal(value)}"


@dataclasses.dataclass(frozen=True)
class Call:
    """A call that a message proposes.

    Args:
        function: the name of a function of ``fashion_zoo`` that is also a command.
        arguments: its positional arguments.
        hints: its keyword arguments.
    """

    function: str
    arguments: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()

    def __str__(self) -> str:
        words = [*map(_literal, self.arguments), *map(str, self.hints)]
        return f"fashion_zoo.{self.function}({', '.join(words)})"


@dataclasses.dataclass(frozen=True)
class Again:
    """The call that ends with the message, made once more."""

    def __str__(self) -> str:
        return "the same call"


Proposal = Hint | Call | Again
Part = str | Proposal

spelling: ContextVar[Callable[[Proposal], str]] = ContextVar("spelling", default=str)
"""How proposals are written in the ``args`` of an error, which others may print."""

_LONGEST = 1000  # characters of a piece of a message


class Message(str):
    """A text in Python's spelling, joined from its parts: texts and proposals.

    A part that is a message or an error contributes its own parts.
    """

    parts: tuple[Part, ...]

    def __new__(cls, *parts: "Part | FashionZooError") -> "Message":
        flat: list[Part] = []
        for part in parts:
            source = part.message if isinstance(part, FashionZooError) else part
            flat += source.parts if isinstance(source, Message) else [_shortened(source)]
        made = super().__new__(cls, "".join(map(str, flat)))
        made.parts = tuple(flat)
        return made

    def spelled(self, spell: Callable[[Proposal], str]) -> str:
        """Return the text with every proposal as ``spell`` writes it."""
        return "".join(part if isinstance(part, str) else spell(part) for part in self.parts)


def _shortened(part: Part) -> Part:
    """Return a piece of a message, without its middle if a value makes it too long."""
    if not isinstance(part, str) or len(part) <= _LONGEST:
        return part
    return f"{part[: _LONGEST // 2]} ... {part[-_LONGEST // 2 :]}"


def _literal(value: Any) -> str:
    """Return a value in Python, with strings in double quotes."""
    if isinstance(value, Mapping):
        items = (f"{_literal(key)}: {_literal(one)}" for key, one in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return number(value) if isinstance(value, float) else repr(value)


def number(value: float) -> str:
    """Return a float with six digits if that is all that it has, such as 3e-06."""
    short = f"{value:g}"
    return short if math.isclose(float(short), value, rel_tol=1e-12) else repr(value)


class FashionZooError(Exception):
    """Base class of the errors of this package.

    The message is one sentence: the value received, what was expected, what to do.

    Args:
        *parts: the pieces of the message; a ``Hint`` or a ``Call`` where it names a setting.
    """

    exit_code = 1

    def __init__(self, *parts: "Part | FashionZooError"):
        self.message = Message(*parts)
        super().__init__(self.message.spelled(spelling.get()))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a copy in another process is made of: the message with its parts."""
        return type(self), (self.message,), vars(self)

    def __str__(self) -> str:
        return str(self.message)


class ConfigError(FashionZooError, ValueError):
    """A setting or a name that is unknown, of the wrong type, or out of range."""

    exit_code = 3


class DataError(FashionZooError):
    """A data file or an image that is missing, damaged, or of another format."""

    exit_code = 4


class RunError(FashionZooError):
    """A run folder that is missing, unfinished, already there, or not a run."""

    exit_code = 5


class RunLockedError(RunError):
    """A run folder that another process is training in."""


class StorageError(FashionZooError):
    """A file or folder that cannot be written."""

    exit_code = 6


class TrainingError(FashionZooError):
    """Training that cannot continue, such as one whose loss is no longer finite."""

    exit_code = 7


class ExportError(FashionZooError):
    """An export that does not agree with its model."""

    exit_code = 8


class StudyError(FashionZooError):
    """A study of another search, or one whose storage cannot be opened."""

    exit_code = 9


class WeightsError(FashionZooError):
    """Weights or a manifest that are missing, damaged, edited, or of something else."""

    exit_code = 10


@contextlib.contextmanager
def advice(note: Callable[[BaseException], str | None]) -> Iterator[None]:
    """Add a note to an error of this package or Ctrl-C; a command prints it below the message.

    Args:
        note: a function of the exception that returns the note, a ``Message`` if it has hints, or
            None for none.
    """
    try:
        yield
    except (FashionZooError, KeyboardInterrupt) as stopped:
        if text := note(stopped):
            stopped.add_note(text)
        raise


@contextlib.contextmanager
def resumable() -> Iterator[None]:
    """Add to Ctrl-C the note that the same call resumes, in place of how to resume a part of it."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        stopped.__notes__ = [Message("What is done is kept. Resume with: ", Again())]
        raise
