"""The lock of a folder: one process at a time, and none that has ended."""

import contextlib
import errno
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo.errors import RunLockedError
from fashion_zoo.storage import reading
from fashion_zoo.storage.files import as_storage_error

if TYPE_CHECKING:
    import filelock

# What a disk answers that has no locks, such as Lustre, or NFS without its lock service.
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


class Lock:
    """The lock of a folder, while it is held.

    Args:
        folder: what it is the lock of.
        file: the lock file.
    """

    def __init__(self, folder: Path, file: Path):
        self.folder = folder
        self.file = file
        # As long as it is open, no other file gets its inode's number.
        self._open: int | None = os.open(file, os.O_RDWR)
        self._known = self._is_there()

    def name(self) -> None:
        """Write into the file which process holds it."""
        assert self._open is not None
        os.ftruncate(self._open, 0)
        os.write(self._open, f"process {os.getpid()} on {platform.node()}".encode())

    def is_ours(self) -> bool:
        """Whether the lock file is still the one that this process made.

        Who removes it lets another process in. On a disk whose files have no steady number nobody
        can tell.
        """
        return self._open is None or not self._known or self._is_there()

    def check(self) -> None:
        """Check, before anything is written into the folder, that it is still held.

        Raises:
            RunLockedError: the lock file was removed, or is another process's.
        """
        if not self.is_ours():
            raise RunLockedError(
                f"{self.folder} is no longer held: its lock {self.file} was removed, so that "
                "another process may have begun there. Nothing more is written into it here."
            )

    def end(self) -> None:
        """Remove the file unless it is another's, while it is held.

        Who opened it before finds out and tries the name again.
        """
        if self.is_ours():
            with contextlib.suppress(OSError):  # a disk that became read-only
                self.file.unlink(missing_ok=True)
        if self._open is not None:
            os.close(self._open)
        self._open = None

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._open), os.stat(self.file))  # type: ignore[arg-type]
        except OSError:
            return False


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[Lock]:
    """Hold the one lock of a folder, whether the folder is there or not.

    It is a file beside the folder. The operating system takes the lock back when its process
    ends, however it ends. On a disk without such locks the file names its process, and a process
    of this machine that is no longer alive holds nothing.

    Returns:
        What tells whether it is still held.

    Raises:
        RunLockedError: another process holds it; the message names that one.
        StorageError: the place cannot be written.
    """
    import filelock

    file, kept = _lock_file(folder), True
    with as_storage_error(folder):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            kept = _keeps_locks(file.parent)
            held = _make(file, kept, thread_local=False)
            # Without them, the first look may do no more than remove what a dead process left.
            held.acquire(timeout=0 if kept else 0.2)
        except filelock.Timeout as error:
            if not file.exists():  # filelock waits where a file cannot be made, such as in /proc
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
            # A process of another machine cannot be looked for from here.
            remove = "" if kept else f" If that process has ended, remove {file}."
            raise RunLockedError(
                f"{folder} is in use by {_holder(file)}. Wait for its end, or choose another place."
                f"{remove}"
            ) from error
        except PermissionError as error:
            if not os.path.isfile(file):
                raise
            raise RunLockedError(
                f"{folder} was locked by {_holder(file)}, which belongs to {_owner(file)}. Wait "
                f"for its end, or choose another place. If it has ended, {file} can be removed."
            ) from error
    try:
        with as_storage_error(folder):
            ours = Lock(folder, file)
        try:
            if kept:  # else filelock has named this process
                with as_storage_error(folder):
                    ours.name()
            yield ours
        finally:
            ours.end()
    finally:
        held.release()


def file_lock(file: Path) -> "filelock.BaseFileLock":
    """Return a lock that is a file, in a folder that is there, to be held in a ``with``.

    Raises:
        OSError: the folder cannot be written.
    """
    return _make(file, _keeps_locks(file.parent))


def _keeps_locks(folder: Path) -> bool:
    """Whether the operating system keeps locks on the disk of a folder."""
    import filelock

    with tempfile.TemporaryFile(dir=folder) as probe:
        try:
            filelock.lock_descriptor(probe.fileno(), blocking=False)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
    return True


def _make(file: Path, kept: bool, **options: Any) -> "filelock.BaseFileLock":
    """Return the operating system's lock of a file, or else one that is the file's existence."""
    import filelock

    if kept:
        return filelock.FileLock(file, fallback_to_soft=False, **options)
    return filelock.SoftFileLock(file, **options)


def check_unlocked(folder: Path) -> None:
    """Check that no process holds the lock of a folder.

    Raises:
        RunLockedError: one does.
    """
    if os.path.isfile(_lock_file(folder)):  # unlike Path's, it answers no where it may not look
        with lock(folder):
            pass


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


def _holder(file: Path) -> str:
    with contextlib.suppress(ValueError):  # it may have ended by now
        for _ in range(50):
            name = reading.read_text(file)
            if named := _existence(name):
                return named
            if name:
                return name
            time.sleep(0.02)  # it has the lock and is about to write its name
    return "another process"


def _existence(content: str) -> str | None:
    """Return the process that filelock names in a lock that is the file's existence."""
    number, _, rest = content.partition("\n")
    if not number.isdigit():
        return None
    node = rest.partition("\n")[0].partition("?")[0]  # filelock adds a container's number
    return f"process {number} on {node}"


def _owner(file: Path) -> str:
    try:
        return f"the user {file.owner()}"
    except (OSError, KeyError):
        return "another user"
