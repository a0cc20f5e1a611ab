"""Files and folders that appear whole or not at all.

Every writer goes through here: a temporary sibling, fsync, rename, fsync of the folder.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fashion_zoo.errors import RunError, StorageError


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary sibling to write; it takes the place of ``path`` when the block ends.

    The sibling keeps the suffix, because Keras and matplotlib choose a format by it.

    Raises:
        StorageError: the folder cannot be written or the disk is full; ``path`` is as before.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        with as_storage_error(path):
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling folder to fill; it becomes ``path`` when the block ends.

    Args:
        path: the folder to make. Parents are made as needed.
        replace: put it in the place of a folder that is there. What may be replaced is for the
            caller to check first; the old folder is removed only once the new one stands.

    Raises:
        StorageError: the folder cannot be written, or is there and ``replace`` is off.
    """
    path = Path(path).absolute()
    with as_storage_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        os.chmod(temporary, 0o777 & ~_umask())
    old = temporary.with_name(temporary.name + "-old")
    try:
        with as_storage_error(path):
            yield temporary
            for file in sorted(temporary.rglob("*"), reverse=True):
                _sync(file)
            _sync(temporary)
            if replace and path.exists():
                os.rename(path, old)
            os.rename(temporary, path)
            _sync(path.parent)
    except BaseException:
        if old.exists() and not path.exists():
            os.rename(old, path)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_free(
    path: str | os.PathLike, kind: str, is_one: Callable[[Path], bool], *, force: bool
) -> None:
    """Check that a folder of ours may be made at ``path``.

    Args:
        path: where.
        kind: what is to be made, such as ``"run"``.
        is_one: tells whether a folder is an older one of this kind.
        force: whether an older one may be replaced.

    Raises:
        RunError: something is there. ``force`` lets an older one of the same kind be replaced, and
            nothing else.
        StorageError: the place cannot be looked at.
    """
    path = Path(path)
    with as_storage_error(path):
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return
        ours = path.is_dir() and is_one(path)
    if not ours:
        raise RunError(f"{path} is there already and is not {kind}. Choose another place.")
    if not force:
        raise RunError(
            f"{path} holds {kind} already. Choose another place, or replace it with --force."
        )


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
    text = json.dumps(value, indent=2, allow_nan=False, default=_plain)
    write_text(path, text + "\n")


def _plain(value: Any) -> Any:
    """Turn a numpy scalar, which a caller's config may hold, into what JSON knows."""
    return value.item()


def sha256(data: bytes) -> str:
    """Return the SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
