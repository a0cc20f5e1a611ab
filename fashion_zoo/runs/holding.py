"""A run folder while it is trained: still the same one, still held, and what it has replaced."""

import contextlib
import os
import shutil
from pathlib import Path

from fashion_zoo import storage
from fashion_zoo.errors import RunError
from fashion_zoo.runs.config_file import is_run
from fashion_zoo.storage import absolute, locks

# In a run that was set aside. What a kill leaves of it in a run is swept with its other remains.
_MARK = ".tmp-fashion_zoo-set-aside"


class Held:
    """The folder of a run while its lock is held.

    Args:
        path: the folder, as it was asked for.
        lock: its lock.
    """

    def __init__(self, path: Path, lock: locks.Lock):
        self.path = absolute(path)
        self.lock = lock
        self._open: int | None = None

    def __enter__(self) -> "Held":
        with storage.as_storage_error(self.path), contextlib.suppress(PermissionError):
            # As long as it is open, no other folder gets its inode's number. One that may be
            # written and not read cannot be told from another.
            self._open = os.open(self.path, os.O_RDONLY)
        return self

    def __exit__(self, *_) -> None:
        if self._open is not None:
            os.close(self._open)
        self._open = None

    def is_ours(self) -> bool:
        """Whether the folder is the one that was opened, and nobody else was let in."""
        return self._is_there() and self.lock.is_ours()

    def check(self) -> None:
        """Check, before anything is written into the folder, that it is still ours.

        Raises:
            RunError: another folder stands in its place; RunLockedError: its lock was removed.
        """
        if not self._is_there():
            raise RunError(
                f"{self.path} is no longer the folder that this training writes into: it was "
                "moved, replaced or removed. What is there now is left as it is; the epochs that "
                "are done are where the folder went, if it was moved."
            )
        self.lock.check()

    def _is_there(self) -> bool:
        if self._open is None:
            return True
        try:
            return os.path.samestat(os.fstat(self._open), os.stat(self.path))
        except OSError:
            return False


def set_aside(place: Path) -> None:
    """Move an older run out of the way of the one that replaces it.

    Raises:
        RunError: something of somebody else's is in the way.
        OSError: it cannot be moved.
    """
    aside = _aside(place)
    if os.path.lexists(aside):
        raise RunError(
            f"{aside} is there, where {place} would be kept until the new run is trained, and was "
            "not put there by this package. Move it away."
        )
    (place / _MARK).touch()
    place.rename(aside)


def is_aside(place: Path) -> bool:
    """Whether an older run waits beside a place; what only has its name is somebody else's."""
    aside = _aside(place)
    return not aside.is_symlink() and os.path.isfile(aside / _MARK) and is_run(aside)


def put_back(place: Path) -> None:
    """Move the older run to its place, where nothing is.

    Raises:
        OSError: it cannot be moved.
    """
    _aside(place).rename(place)
    (place / _MARK).unlink(missing_ok=True)


def drop_aside(place: Path) -> None:
    """Remove the older run, which is no longer needed."""
    if is_aside(place):
        shutil.rmtree(_aside(place), ignore_errors=True)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.replaced")
