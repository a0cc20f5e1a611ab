"""Sources: image files to arrays, with every claim of a file checked."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.errors import DataError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.language.wording import counted
from fashion_zoo.storage import reading

EMBEDDED = Path(__file__).parent.parent / "assets" / "fashion_mnist"
CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
IMAGE_SHAPE = (28, 28)
TRAINING_IMAGES = 60_000  # as published, those for validation included
_PARTS = {"train": ("train", TRAINING_IMAGES), "test": ("t10k", 10_000)}
_UNSIGNED_BYTE = 0x08  # the IDX type code; all MNIST-like files use it


class Images(NamedTuple):
    """Images with their labels."""

    images: np.ndarray
    """(count, 28, 28) uint8 in 0..255, 0 is black background."""
    labels: np.ndarray
    """(count,) uint8 in 0..9, positions in the class names."""

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.images.shape[1:]))
        return f"{counted(len(self.images), 'image')} of {shape} {self.images.dtype}"


class Dataset(NamedTuple):
    """A whole data set, as published."""

    x_train: np.ndarray
    """(60000, 28, 28) uint8."""
    y_train: np.ndarray
    """(60000,) uint8."""
    x_test: np.ndarray
    """(10000, 28, 28) uint8."""
    y_test: np.ndarray
    """(10000,) uint8."""
    class_names: tuple[str, ...]
    """Name of each label."""

    def __repr__(self) -> str:
        train, test = Images(self.x_train, self.y_train), Images(self.x_test, self.y_test)
        return f"training: {train}\ntest: {test}\nclasses: {', '.join(self.class_names)}"


@checked
def load(name: str = "fashion_mnist", folder: AnyPath | None = None) -> Dataset:
    """Load a data set whole, verified. Under a second.

    Args:
        name: ``"fashion_mnist"``.
        folder: folder that holds the four published files; by default the embedded ones.

    Raises:
        ConfigError: the name is unknown.
        DataError: a file is missing, damaged or not the published one.

    Reference: Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747.
    """
    return Dataset(*load_part("train", name, folder), *load_part("test", name, folder), CLASS_NAMES)


@checked
def load_part(
    part: Literal["train", "test"], name: str = "fashion_mnist", folder: AnyPath | None = None
) -> Images:
    """Load ``"train"`` or ``"test"`` alone, so that training never opens a test file.

    Raises: as ``load``.
    """
    DataConfig(dataset=name)  # type: ignore[arg-type]  # it is there to check the name
    where = Path(folder) if folder is not None else EMBEDDED
    prefix, count = _PARTS[part]
    images_file = where / f"{prefix}-images-idx3-ubyte.gz"
    labels_file = where / f"{prefix}-labels-idx1-ubyte.gz"
    images = read_idx(images_file, (count, *IMAGE_SHAPE))
    labels = read_idx(labels_file, (count,))
    if labels.max() >= len(CLASS_NAMES):
        raise DataError(
            f"{labels_file} holds label {labels.max()} at position {labels.argmax()}; "
            f"labels must be in 0..{len(CLASS_NAMES) - 1}."
        )
    for file in (images_file, labels_file):
        _check_digest(file)
    return Images(images, labels)


@checked
def read_idx(path: AnyPath, shape: tuple[int, ...]) -> np.ndarray:
    """Read a gzip-compressed IDX file of unsigned bytes.

    No more than the expected bytes are unpacked, so a small hostile file cannot fill the memory.

    Args:
        path: the file.
        shape: the dimensions that it must have, the number of items first.

    Returns:
        uint8 array of ``shape``.

    Raises:
        DataError: the file is missing or unreadable, not gzip, truncated, has a wrong magic
            number, type, number of dimensions or dimension, or bytes after its data.

    Format: four bytes 0, 0, type, number of dimensions; each dimension as a big-endian uint32;
    the data, the last dimension fastest.
    """
    path = Path(path)
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


def published_digests() -> dict[str, str]:
    """Return file name to SHA-256 of the published files, as in ``SHA256SUMS``."""
    lines = (EMBEDDED / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _check_digest(path: Path) -> None:
    with reading.open_regular(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    published = published_digests()[path.name]
    if digest != published:
        raise DataError(
            f"{path} is not the published file: SHA-256 {digest}, expected {published}. "
            "Restore it, or leave data.folder out to use the embedded files."
        )
