"""Atomic writes of files and folders: a temporary sibling, fsync, rename, fsync of the folder.

The modules beside it read within bounds, lock folders, and place databases.
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
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.errors import ConfigError, Hint, Message, RunError, StorageError

_TEMPORARY = ".tmp-fashion_zoo-"  # begins the name of whatever is not complete
# Errors of vboxsf, CIFS and drvfs, which cannot sync a folder.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Make the names in a folder durable if the disk can."""
    try:
        _sync(path)
    except PermissionError:
        pass  # a folder may be writable and not readable
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


@contextlib.contextmanager
def as_storage_error(path: Path) -> Iterator[None]:
    """Raise an OSError as a StorageError about ``path``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(
            f"Cannot write {path}: {reason}. Choose another place, or make room there."
        ) from error


def absolute(path: str | os.PathLike[str]) -> Path:
    """Make a path absolute, as ``%cd`` may follow in a notebook, without resolving its links."""
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
    """Make a path absolute and resolve its links; raises StorageError if one leads to itself."""
    found = Path(os.path.realpath(absolute(path)))
    if found.is_symlink():
        raise StorageError(f"{path} is a link that leads to itself. Choose another place.")
    return found


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary sibling to write, which replaces ``path`` at the end of the block.

    It has the same suffix, because Keras chooses a format by it. A link stays, and its target is
    replaced. After an exception ``path`` is as before.
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
        with contextlib.suppress(OSError):  # a read-only disk, which the error is about
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling folder to fill, which becomes ``path`` at the end of the block.

    A link stays, and its target is replaced. Parents are made as needed. With ``replace`` an older
    folder is removed once the new one is in its place; without, one that exists is a StorageError.
    """
    path = resolve(path)
    temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
    old = temporary.with_name(temporary.name + "-old")
    with as_storage_error(path):
        temporary.mkdir(parents=True)
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
    """Check that a folder of a kind, such as ``"a run"``, may be made at ``path``.

    ``force`` allows an older one, for which ``is_one`` is true, and nothing else. For an older one
    without ``force``, the message of the RunError proposes ``instead``.
    """
    place = resolve(path)
    with as_storage_error(place):
        if is_free(place):
            return
        replaceable = place.is_dir() and is_one(place)
    if not replaceable:
        raise RunError(f"{path} is there already and is not {kind}. Choose another place.")
    if not force:
        raise RunError(f"{path} holds {kind} already. Choose another place, or ", instead, ".")


def is_free(path: Path) -> bool:
    """Return whether nothing is at ``path`` but a folder of unfinished files."""
    if not path.exists():
        return True
    return path.is_dir() and all(file.name.startswith(_TEMPORARY) for file in path.iterdir())


def sweep(folder: Path) -> None:
    """Remove the unfinished files of a killed process from a folder whose lock is held."""
    with as_storage_error(folder):
        for path in list(folder.rglob(f"{_TEMPORARY}*")):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its content, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write indented JSON atomically; raises ValueError for a float that is not finite."""
    write_text(path, as_json(value) + "\n")


def as_json(value: Any) -> str:
    """Return a value as indented JSON; raises ValueError for a float that is not finite."""
    return json.dumps(value, indent=2, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    """Convert a value that JSON does not have."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, enum.Enum):
        return value.value
    return value.tolist()  # an array or a scalar of numpy


def write_table(path: str | os.PathLike, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file atomically; missing cells of a row stay empty."""
    text = io.StringIO()
    columns = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_bytes(path: str | os.PathLike, data: bytes) -> None:
    """Write bytes atomically."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


def write_verified(path: str | os.PathLike, data: bytes) -> None:
    """Write the SHA-256 of some bytes and the bytes, atomically."""
    write_bytes(path, hashlib.sha256(data).digest() + data)
