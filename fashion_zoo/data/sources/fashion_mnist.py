"""Fashion-MNIST: the four published files, verified when they are read."""

import functools
import hashlib
from pathlib import Path

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.dataset import Dataset, Images, Part, Positions
from fashion_zoo.data.sources import WORDS, Source
from fashion_zoo.data.sources._idx import read_idx
from fashion_zoo.errors import DataError
from fashion_zoo.storage import reading

EMBEDDED = Path(__file__).parents[2] / "assets" / "fashion_mnist"
CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
IMAGE_SHAPE = (28, 28)
_COUNTS = {"train": 60_000, "test": 10_000}  # as published


@WORDS.register
def fashion_mnist() -> Source:
    """Clothes: 70,000 grey images of 28x28 in ten classes, from ``data.folder`` or this package.

    Reading them raises a DataError if a file is missing, damaged or not the published one.

    Reference: Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747.
    """
    return Source(_dataset, takes=("folder",))


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
