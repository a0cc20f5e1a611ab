"""Fashion-MNIST: the four published files, verified when they are read."""

import functools
import gzip
import hashlib
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.dataset import Dataset, Images, Part, Positions
from fashion_zoo.data.sources import WORDS
from fashion_zoo.errors import DataError
from fashion_zoo.storage import reading

EMBEDDED = Path(__file__).parents[2] / "assets" / "fashion_mnist"
CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
IMAGE_SHAPE = (28, 28)
_COUNTS = {"train": 60_000, "test": 10_000}  # as published
_UNSIGNED_BYTE = 0x08  # the IDX type code; all MNIST-like files use it


@WORDS.register
def fashion_mnist() -> Callable[[DataConfig], Dataset]:
    """Clothes: 70,000 grey images of 28x28 in ten classes, from ``data.folder`` or this package.

    Reading them raises a DataError if a file is missing, damaged or not the published one.

    Reference: Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747.
    """
    return _dataset


def _dataset(config: DataConfig) -> Dataset:
    # 500 of each class, drawn once and stored, so that no library can change them.
    text = (EMBEDDED / "validation_indices.txt").read_text(encoding="ascii")
    held_out = np.array(text.split(), dtype=np.int32)
    positions = Positions(
        np.setdiff1d(np.arange(_COUNTS["train"]), held_out, assume_unique=True),
        held_out,
        np.arange(_COUNTS["test"]),
    )
    folder = EMBEDDED if config.folder is None else Path(config.folder)
    return Dataset(config, CLASS_NAMES, IMAGE_SHAPE, positions, functools.partial(_read, folder))


def _read(folder: Path, part: Part) -> Images:
    prefix = {"train": "train", "test": "t10k"}[part]
    images_file = folder / f"{prefix}-images-idx3-ubyte.gz"
    labels_file = folder / f"{prefix}-labels-idx1-ubyte.gz"
    images = read_idx(images_file, (_COUNTS[part], *IMAGE_SHAPE))
    labels = read_idx(labels_file, (_COUNTS[part],))
    if labels.max() >= len(CLASS_NAMES):
        raise DataError(
            f"{labels_file} holds label {labels.max()} at position {labels.argmax()}; "
            f"labels must be in 0..{len(CLASS_NAMES) - 1}."
        )
    for file in (images_file, labels_file):
        _check_digest(file)
    return Images(images, labels)


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read a gzip-compressed IDX file of unsigned bytes, in this ``shape``.

    Format: four bytes 0, 0, type, number of dimensions; each dimension as a big-endian uint32;
    the data, the last dimension fastest. No more than that is unpacked, so a small hostile file
    cannot fill the memory.
    """
    try:
        with reading.open_regular(path) as packed, gzip.open(packed) as file:
            _check_header(path, file, shape)
            size = math.prod(shape)
            data = file.read(size)
            if len(data) < size:
                raise DataError(
                    f"{path} is truncated: it holds {len(data):,} of {size:,} data bytes."
                )
            if file.read(1):
                raise DataError(f"{path} has bytes after the {size:,} that its header announces.")
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing. Expected the four files of Fashion-MNIST as published."
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file: {error}.") from error
    except EOFError as error:
        raise DataError(f"{path} is truncated: its gzip stream has no end.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _check_header(path: Path, file: BinaryIO | gzip.GzipFile, shape: tuple[int, ...]) -> None:
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
    if dimensions != shape:
        raise DataError(f"{path} announces dimensions {dimensions}, expected {shape}.")


def _check_digest(path: Path) -> None:
    with reading.open_regular(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    sums = (EMBEDDED / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    published = next(line.split()[0] for line in sums if line.endswith(path.name))
    if digest != published:
        raise DataError(
            f"{path} is not the published file: SHA-256 {digest}, expected {published}. "
            "Restore it, or leave data.folder out to use the embedded files."
        )
