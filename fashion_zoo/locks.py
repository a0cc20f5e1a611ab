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
from fashion_zoo.storage import as_storage_error

if TYPE_CHECKING:
    import filelock

# What a disk answers that has no locks, such as Lustre, or NFS without its lock service.
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the one lock of a folder, whether the folder is there or not.

    It is a file beside the folder. The operating system takes the lock back when its process
    ends, however it ends. On a disk without such locks the file names its process, and a process
    of this machine that is no longer alive holds nothing.

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
        if kept:  # else filelock has named this process
            with as_storage_error(folder):
                file.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):  # a disk that became read-only
            # While it is held: who opened it before finds out and tries the name again.
            file.unlink(missing_ok=True)
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
    with contextlib.suppress(OSError, UnicodeDecodeError):  # it may have ended by now
        for _ in range(50):
            name = file.read_text(encoding="utf-8")
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
