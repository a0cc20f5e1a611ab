"""The lock of a folder: one process at a time, and none that has ended."""

import contextlib
import errno
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo.errors import RunError, RunLockedError
from fashion_zoo.storage import absolute, as_storage_error, reading

if TYPE_CHECKING:
    import filelock

# Errors of a disk without locks, such as Lustre, or NFS without its lock service.
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


class Lock:
    """The lock of a folder, while it is held."""

    def __init__(self, folder: Path, file: Path):
        self.folder = folder
        self.file = file
        # An open file keeps its inode number, so that no other file can get it.
        self._open = {file: os.open(file, os.O_RDWR)}
        self._has_inode = self._is_same(file)  # some disks give a file another number each time

    def name(self) -> None:
        """Write into the lock file which process holds it."""
        os.ftruncate(self._open[self.file], 0)
        os.write(self._open[self.file], f"process {os.getpid()} on {platform.node()}".encode())

    def follow(self, folder: Path) -> None:
        """Let ``check`` find out, too, whether another folder takes the place of this one."""
        self.folder = absolute(folder)
        with as_storage_error(folder), contextlib.suppress(PermissionError):
            # A folder that is writable and not readable cannot be compared.
            self._open[self.folder] = os.open(self.folder, os.O_RDONLY)

    def is_held(self) -> bool:
        """Return whether folder and lock file are still those of this process."""
        return self._is_same(self.folder) and self._has_file()

    def check(self) -> None:
        """Check that the folder is still held; raises RunError or RunLockedError otherwise."""
        if not self._is_same(self.folder):
            raise RunError(
                f"{self.folder} is no longer the folder that this training writes into: it was "
                "moved, replaced or removed. What is there now is left as it is; the epochs that "
                "are done are where the folder went, if it was moved."
            )
        if not self._has_file():
            raise RunLockedError(
                f"{self.folder} is no longer held: its lock {self.file} was removed, so that "
                "another process may have begun there. Nothing more is written into it here."
            )

    def end(self) -> None:
        """Remove the lock file unless it is another process's; the lock must still be held.

        A process that has opened it meanwhile finds it removed and tries again.
        """
        if self._has_file():
            with contextlib.suppress(OSError):  # a disk that became read-only
                self.file.unlink(missing_ok=True)
        while self._open:
            os.close(self._open.popitem()[1])

    def _has_file(self) -> bool:
        return not self._has_inode or self._is_same(self.file)

    def _is_same(self, path: Path) -> bool:
        """Return whether a path still leads to the file or folder that was opened, if any was."""
        if path not in self._open:
            return True
        try:
            return os.path.samestat(os.fstat(self._open[path]), os.stat(path))
        except OSError:
            return False


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[Lock]:
    """Hold the lock of a folder, which need not exist yet.

    It is a file beside the folder, locked by the operating system, which frees it when the process
    ends in any way. On a disk without such locks the file names its process, and the file of a dead
    process of this machine is void. RunLockedError names another process that holds the lock.
    """
    import filelock

    file = _lock_file(folder)
    with as_storage_error(folder):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            held, kept = _make(file, thread_local=False)
            # Without them, the first attempt may do no more than remove a dead process's file.
            held.acquire(timeout=0 if kept else 0.2)
        except filelock.Timeout as error:
            if not file.exists():  # filelock waits where a file cannot be made, such as in /proc
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
            # Whether a process of another machine lives cannot be seen from here.
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
            held_lock = Lock(folder, file)
        try:
            if kept:  # else filelock has named this process
                with as_storage_error(folder):
                    held_lock.name()
            yield held_lock
        finally:
            held_lock.end()
    finally:
        held.release()


def file_lock(file: Path) -> "filelock.BaseFileLock":
    """Return a lock that is a file in an existing folder, to be held in a ``with``."""
    return _make(file)[0]


def _make(file: Path, **options: Any) -> "tuple[filelock.BaseFileLock, bool]":
    """Return a lock, and whether the operating system keeps it: else the file's existence does."""
    import filelock

    with tempfile.TemporaryFile(dir=file.parent) as probe:
        try:
            filelock.lock_descriptor(probe.fileno(), blocking=False)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return filelock.SoftFileLock(file, **options), False
    return filelock.FileLock(file, fallback_to_soft=False, **options), True


def check_unlocked(folder: Path) -> None:
    """Check that no process holds the lock of a folder; raises RunLockedError otherwise."""
    if os.path.isfile(_lock_file(folder)):  # unlike Path's, False without permission to look
        with lock(folder):
            pass


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


def _holder(file: Path) -> str:
    """Return the process that a lock file names."""
    with contextlib.suppress(ValueError):  # the file may be gone by now
        for _ in range(50):
            name = reading.read_text(file)
            # On a disk without locks: filelock's number, node, and "?" with that of a container.
            if found := re.match(r"(\d+)\n([^\n?]*)", name):
                return f"process {found[1]} on {found[2]}"
            if name:
                return name
            time.sleep(0.02)  # the holder is about to write its name
    return "another process"


def _owner(file: Path) -> str:
    try:
        return f"the user {file.owner()}"
    except (OSError, KeyError):
        return "another user"
