"""The one family of errors. A command prints the message and leaves with ``exit_code``."""

import contextlib
from collections.abc import Callable, Iterator


class FashionZooError(Exception):
    """Base of every error that this package raises on purpose.

    The message is one sentence for a person: what came, what was expected, what to do.
    """

    exit_code = 1


class ConfigError(FashionZooError, ValueError):
    """A setting or a name that cannot be used: unknown, of the wrong kind, out of range."""

    exit_code = 3


class DataError(FashionZooError):
    """A data file or an image that is missing, damaged, or not what it claims to be."""

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
    """Training that cannot go on, such as a loss that is no longer finite."""

    exit_code = 7


class ExportError(FashionZooError):
    """An export that does not agree with the model it came from."""

    exit_code = 8


class StudyError(FashionZooError):
    """A study that is another search's, or whose storage cannot be opened."""

    exit_code = 9


@contextlib.contextmanager
def advice(note: Callable[[], str | None]) -> Iterator[None]:
    """Add a note to an error of ours or Ctrl-C: what a command prints below its one line.

    Args:
        note: called when the block is left by one; None adds nothing.
    """
    try:
        yield
    except (FashionZooError, KeyboardInterrupt) as stopped:
        if text := note():
            stopped.add_note(text)
        raise
