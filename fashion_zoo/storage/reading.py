"""Bounded reads of regular files: a path may lead to anything that others have put there."""

import contextlib
import errno
import hashlib
import json
import math
import os
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator
from io import BufferedReader
from typing import Any

LARGEST_TEXT = 2**24  # bytes of a file of settings or numbers
_LARGEST = 2**36  # bytes of any other file
_DEEPEST = 50  # levels of JSON; the files of this package have six
_DIGEST = 32  # bytes of a SHA-256


@contextlib.contextmanager
def open_regular(path: str | os.PathLike, largest: int = _LARGEST) -> Iterator[BufferedReader]:
    """Open a regular file of at most ``largest`` bytes to read it; raises OSError otherwise.

    A FIFO would block, and a device may have no end.
    """
    if stat.S_ISDIR(mode := os.stat(path).st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):  # before it is opened, which a device may notice
        raise OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if os.fstat(descriptor).st_size > largest:
            raise OSError(errno.EFBIG, f"it has more than {largest:,} bytes", os.fspath(path))
        yield file


def read_text(path: str | os.PathLike) -> str:
    """Return the UTF-8 text of a file; raises ValueError with the reason if it cannot be read."""
    try:
        with open_regular(path, LARGEST_TEXT) as file:
            return file.read(LARGEST_TEXT).decode()
    except OSError as error:
        raise ValueError(error.strerror or error) from error


def read_json(path: str | os.PathLike) -> Any:
    """Return the value of a JSON file; raises ValueError with the reason if it cannot be read."""
    try:
        value = json.loads(read_text(path), parse_float=_finite, parse_constant=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    _check_depth(value)
    return value


def is_json_with(path: str | os.PathLike, names: Collection[str]) -> bool:
    """Return whether a file is a JSON object with these names, by which a folder is known."""
    try:
        value = read_json(path)
    except ValueError:
        return False
    return isinstance(value, dict) and value.keys() >= set(names)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):  # Python reads what JSON does not have
        raise ValueError(f"it holds {text[:40]}, which is no finite number")
    return value


def _check_depth(value: Any, levels: int = _DEEPEST) -> None:
    """Check that a value can be walked by recursion."""
    if levels == 0:
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _check_depth(one, levels - 1)


def read_verified(path: str | os.PathLike) -> bytes | None:
    """Return the bytes that ``write_verified`` wrote, or None if the file is damaged or missing."""
    try:
        with open_regular(path) as file:
            digest = file.read(_DIGEST)
            if hashlib.file_digest(file, "sha256").digest() != digest:
                return None
            file.seek(_DIGEST)
            return file.read()
    except OSError:
        return None


def archive_digest(path: str | os.PathLike, without: Collection[str] = ()) -> str:
    """Return the first 16 digits of the SHA-256 of what is in a zip file, in the order of names.

    Neither how it is packed nor when counts. Raises OSError, or ValueError if it is damaged.
    """
    found = hashlib.sha256()
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            for name in sorted({*archive.namelist()} - {*without}):
                with archive.open(name) as part:
                    inside = hashlib.file_digest(part, "sha256")  # type: ignore[arg-type]
                found.update(name.encode() + b"\0" + inside.digest())
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    return found.hexdigest()[:16]
