"""Arrays in files of NumPy: NPZ, and pairs of NPY."""

import contextlib
import lzma
import math
import re
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.sources import WORDS, Given, Raw, Source, missing, source_of_paths
from fashion_zoo.errors import DataError
from fashion_zoo.language.arguments import received
from fashion_zoo.language.wording import listed
from fashion_zoo.storage import reading

_LARGEST = 2**33  # bytes of an array
# Names of images and labels of each part; those of Keras first, of MedMNIST last.
_NAMES = {
    "train": (("x_train", "y_train"), ("images", "labels"), ("x", "y"),
              ("train_images", "train_labels")),
    "validation": (("x_validation", "y_validation"), ("x_val", "y_val"),
                   ("validation_images", "validation_labels"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}  # fmt: skip
_BROKEN = (
    ValueError, TypeError, SyntaxError, tokenize.TokenError, OverflowError, RecursionError,
    MemoryError,
)  # fmt: skip
_PAIRS = (("images", "labels"), ("x", "y"))  # in names of files


@WORDS.form(lambda text: text.endswith((".npz", ".npy")), "FILE.npz, FILE.npy")
@WORDS.register
def npz(
    path: str, labels: str | None = None, test: str | None = None, test_labels: str | None = None
) -> Source:
    """Arrays in an NPZ file, named as Keras does, or in NPY files of images and of labels.

    By default the labels of ``x_train.npy`` are ``y_train.npy``, and ``x_test.npy`` beside it is
    the test set; those of ``images.npy`` are ``labels.npy``.
    """
    return source_of_paths("npz", _read, path, labels, test, test_labels)


def _read(config: DataConfig, path: Path, *others: Path | None) -> Raw:
    if not path.exists():
        raise missing(path)
    if path.suffix == ".npz":
        with _archive(path) as archive:
            return raw_of(path, archive)
    labels, test, test_labels = (*others, None, None, None)[:3]
    if test is None:
        near = path.with_name(path.name.replace("train", "test"))
        test = near if near != path and near.exists() else None
    return Raw(_pair(path, labels), _pair(test, test_labels) if test else None)


def raw_of(path: Path, archive: zipfile.ZipFile) -> Raw:
    """Return the arrays of an archive, each part under the first names that are there."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    found = {
        part: next((pair for pair in pairs if members.keys() >= set(pair)), None)
        for part, pairs in _NAMES.items()
    }
    if found["train"] is None:
        raise DataError(
            f"{path} has {listed(sorted(members)[:10]) or 'nothing'}; expected x_train and "
            "y_train, or images and labels."
        )

    def array(name: str) -> np.ndarray:
        with archive.open(members[name]) as file:
            return read_npy(file, f"{name} of {path}", members[name].file_size)

    given = {
        part: Given(array(pair[0]), array(pair[1]), *(f"{name} of {path}" for name in pair))
        for part, pair in found.items()
        if pair
    }
    names = None
    if "class_names" in members:
        texts = array("class_names")
        if texts.ndim != 1 or texts.dtype.kind != "U" or len(np.unique(texts)) < texts.size:
            raise DataError(
                f"class_names of {path} must be different texts, received {received(texts)}."
            )
        names = texts.tolist()
    return Raw(given["train"], given.get("test"), given.get("validation"), names)


def _pair(images: Path, labels: Path | None) -> Given:
    """Return the arrays of a file of images and one of labels."""
    labels = labels or _labels_beside(images)
    return Given(_file(images), _file(labels), str(images), str(labels))


def _labels_beside(images: Path) -> Path:
    for name, other in _PAIRS:
        changed = re.sub(rf"(?<![a-z]){name}(?![a-z])", other, images.name)
        if changed != images.name:
            return images.with_name(changed)
    raise DataError(
        f"{images} does not tell where its labels are. Call it x.npy beside y.npy, or write "
        f'npz("{images.name}", "LABELS.npy").'
    )


def _file(path: Path) -> np.ndarray:
    with as_data_error(path), reading.open_regular(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        return read_npy(file, str(path), size)


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an NPZ file; what fails is a DataError."""
    with as_data_error(path), reading.open_regular(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


@contextlib.contextmanager
def as_data_error(path: Path) -> Iterator[None]:
    """Raise what fails while an archive or an array is read as DataError."""
    try:
        yield
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    # An archive may be of an unknown version or encrypted, and its parts and names damaged.
    except (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
        UnicodeDecodeError,
    ) as error:  # fmt: skip
        raise DataError(f"{path} is not a sound NPZ file: {error}.") from error


def read_npy(file: IO[bytes], name: str, size: int) -> np.ndarray:
    """Read an array within bounds; nothing in it is executed.

    Args:
        file: an open NPY file.
        name: of the array, for messages.
        size: bytes of the file.

    Raises:
        DataError: if it has Python objects, is damaged, or announces more than the file holds.
    """
    try:
        version = np.lib.format.read_magic(file)
        header: Any = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if header is None:
            raise ValueError(f"its format {version} is not known")
        shape, by_columns, dtype = header(file)
        if dtype.hasobject:
            raise ValueError("it holds Python objects, which are not read: they may run code")
        count = math.prod(shape)
        if min(shape, default=0) < 0 or count * dtype.itemsize > min(size, _LARGEST):
            raise ValueError(f"it announces {shape} of {dtype}, more than it holds")
        data = file.read(count * dtype.itemsize)
        if len(data) < count * dtype.itemsize:
            raise ValueError("it is truncated")
        array = np.frombuffer(data, dtype, count)
        return array.reshape(shape[::-1]).T if by_columns else array.reshape(shape)
    except _BROKEN as error:
        raise DataError(f"{name} cannot be read: {error}.") from error
