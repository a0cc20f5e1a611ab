"""Reader of IDX files, the format of MNIST, within bounds.

Format: four bytes 0, 0, type, number of dimensions; each dimension as a big-endian uint32; the
data, the last dimension fastest.
"""

import contextlib
import gzip
import math
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from fashion_zoo.errors import DataError
from fashion_zoo.storage import reading

_UNSIGNED_BYTE = 0x08  # the IDX type code; all MNIST-like files use it
_LARGEST = 2**33  # bytes of data
_RATIO = 1032  # deflate packs at most so many bytes into one


def read_idx(path: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """Read an IDX file of unsigned bytes, in this ``shape``, None for any size.

    A file whose name ends in .gz is unpacked: no more than its header announces, and no more than
    the file can hold, so that a small hostile file cannot fill the memory.
    """
    with opened(path, "Expected the four files of Fashion-MNIST as published.") as file:
        found = _read_header(path, file, shape)
        size = math.prod(found)
        packed = os.stat(path).st_size * (_RATIO if path.suffix == ".gz" else 1)
        if size > min(_LARGEST, packed):
            raise DataError(f"{path} announces {size:,} bytes of data, more than it can hold.")
        data = file.read(size)
        if len(data) < size:
            raise DataError(f"{path} is truncated: it holds {len(data):,} of {size:,} data bytes.")
        if file.read(1):
            raise DataError(f"{path} has bytes after the {size:,} that its header announces.")
    return np.frombuffer(data, dtype=np.uint8).reshape(found)


@contextlib.contextmanager
def opened(path: Path, expected: str = "") -> Iterator[IO[bytes]]:
    """Open a file to read it, unpacked if its name ends in .gz; what fails is a DataError.

    ``expected`` is a sentence for a missing file.
    """
    try:
        with reading.open_regular(path) as packed:
            if path.suffix != ".gz":
                yield packed
                return
            with gzip.open(packed) as file:
                yield file  # type: ignore[misc]  # it reads bytes
    except FileNotFoundError:
        raise DataError(f"{path} is missing. {expected}".rstrip()) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file: {error}.") from error
    except EOFError as error:
        raise DataError(f"{path} is truncated: its gzip stream has no end.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _read_header(path: Path, file: IO[bytes], shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """Return the dimensions that a header announces, which must fit ``shape``."""
    magic = file.read(4)
    expected = bytes([0, 0, _UNSIGNED_BYTE, len(shape)])
    if magic != expected:
        raise DataError(
            f"{path} has magic number 0x{magic.hex() or '(none)'}, expected 0x{expected.hex()}: "
            f"unsigned bytes in {len(shape)} dimension(s)."
        )
    header = file.read(4 * len(shape))
    if len(header) < 4 * len(shape):
        raise DataError(f"{path} is truncated inside its header.")
    dimensions = tuple(int(size) for size in np.frombuffer(header, dtype=">u4"))
    if any(size not in (None, found) for size, found in zip(shape, dimensions, strict=True)):
        known = tuple("any" if size is None else size for size in shape)
        raise DataError(f"{path} announces dimensions {dimensions}, expected {known}.")
    return dimensions
