"""Files and folders that appear whole or not at all.

Every writer goes through here: a temporary sibling, fsync, rename, fsync of the folder.
"""

import contextlib
import csv
import enum
import errno
import hashlib
import io
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.errors import ConfigError, Hint, Message, RunError, StorageError

_TEMPORARY = ".tmp-fashion_zoo-"  # how what a killed process left half written is known
# What vboxsf, CIFS and drvfs answer, which cannot sync a folder.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Make the names in a folder durable where the disk can; the files are synced each."""
    try:
        _sync(path)
    except PermissionError:
        pass  # it may be written and not read
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


@contextlib.contextmanager
def as_storage_error(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write ``path`` into a StorageError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(
            f"Cannot write {path}: {reason}. Choose another place, or make room there."
        ) from error


def absolute(path: str | os.PathLike[str]) -> Path:
    """Make a path absolute, without resolving its links.

    A program may change its current folder later, as ``%cd`` in a notebook does.

    Raises:
        StorageError: if it is relative and the current folder is gone.
        ConfigError: if it has characters that no file system takes.
    """
    try:
        plain, found = os.path.abspath(path), os.path.realpath(path)
    except OSError as error:
        raise StorageError(
            f"Cannot find {path}: the current folder is gone. Change to another one first."
        ) from error
    except ValueError as error:  # a null, or half of a surrogate pair
        raise ConfigError(f"{str(path)!r} cannot be a path: {error}.") from error
    # Behind a link, "link/.." is not where it seems to be.
    return Path(plain if os.path.realpath(plain) == found else found)


def resolve(path: str | os.PathLike) -> Path:
    """Return where a path leads when its links are followed, whether something is there or not.

    Raises:
        StorageError: a link leads to itself, or as ``absolute``.
    """
    found = Path(os.path.realpath(absolute(path)))
    if found.is_symlink():
        raise StorageError(f"{path} is a link that leads to itself. Choose another place.")
    return found


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary sibling to write; it takes the place of ``path`` when the block ends.

    The sibling keeps the suffix, because Keras chooses a format by it. A link stays, and what it
    leads to is replaced.

    Raises:
        StorageError: the folder cannot be written or the disk is full; ``path`` is as before.
    """
    path = resolve(path)
    temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}{path.suffix}")
    try:
        with as_storage_error(path):
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):  # of a read-only disk, over the error that says so
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling folder to fill; it becomes ``path`` when the block ends.

    A link stays, and what it leads to is replaced.

    Args:
        path: the folder to make. Parents are made as needed.
        replace: put it in the place of a folder that is there. What may be replaced is for the
            caller to check first; the old folder is removed only once the new one stands.

    Raises:
        StorageError: the folder cannot be written, or is there and ``replace`` is off.
    """
    path = resolve(path)
    with as_storage_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=path.parent))
        with contextlib.suppress(OSError):  # some network disks have no modes
            os.chmod(temporary, 0o777 & ~_umask())
    old = temporary.with_name(temporary.name + "-old")
    try:
        with as_storage_error(path):
            yield temporary
            for file in sorted(temporary.rglob("*"), reverse=True):
                (_sync_folder if file.is_dir() else _sync)(file)
            _sync_folder(temporary)
            if replace and path.exists():
                os.rename(path, old)
            os.rename(temporary, path)
            _sync_folder(path.parent)
    except BaseException:
        if old.exists() and not path.exists():
            os.rename(old, path)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_free(
    path: str | os.PathLike,
    kind: str,
    is_one: Callable[[Path], bool],
    *,
    force: bool,
    instead: str = Message("replace it with ", Hint("force", True)),
) -> None:
    """Check that a folder of ours may be made at ``path``.

    Args:
        path: where.
        kind: what is to be made, such as ``"run"``.
        is_one: tells whether a folder is an older one of this kind.
        force: whether an older one may be replaced.
        instead: what else may be done about an older one, for the message.

    Raises:
        RunError: something is there. ``force`` lets an older one of the same kind be replaced, and
            nothing else.
        StorageError: the place cannot be looked at.
    """
    path, place = Path(path), resolve(path)
    with as_storage_error(path):
        if is_free(place):
            return
        ours = place.is_dir() and is_one(place)
    if not ours:
        raise RunError(f"{path} is there already and is not {kind}. Choose another place.")
    if not force:
        raise RunError(f"{path} holds {kind} already. Choose another place, or ", instead, ".")


def is_free(path: Path) -> bool:
    """Whether nothing is there but what a killed process left half written."""
    if not path.exists():
        return True
    return path.is_dir() and all(file.name.startswith(_TEMPORARY) for file in path.iterdir())


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written in a folder; hold its lock."""
    with as_storage_error(folder):
        for path in list(folder.rglob(f"{_TEMPORARY}*")):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; a missing one is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write JSON whole or not at all, indented; a float that is not finite is refused."""
    write_text(path, as_json(value) + "\n")


def as_json(value: Any) -> str:
    """Return a value as indented JSON; a float that is not finite is refused."""
    return json.dumps(value, indent=2, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    """Turn what a caller's config may hold into what JSON knows."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, enum.Enum):
        return value.value
    return value.tolist()  # of numpy, an array or a scalar


def write_table(path: str | os.PathLike, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file, whole or not at all; a cell that a row does not have stays empty."""
    text = io.StringIO()
    columns = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_bytes(path: str | os.PathLike, data: bytes) -> None:
    """Write bytes whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


def write_verified(path: str | os.PathLike, data: bytes) -> None:
    """Write bytes behind their SHA-256, whole or not at all."""
    write_bytes(path, hashlib.sha256(data).digest() + data)
