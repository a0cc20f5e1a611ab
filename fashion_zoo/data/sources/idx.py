"""A folder of IDX files: MNIST, KMNIST and whatever has their four files."""

import os
from pathlib import Path

from fashion_zoo.config import DataConfig
from fashion_zoo.data.sources import WORDS, Given, Raw, Source, missing, source_of_paths
from fashion_zoo.data.sources._idx import read_idx
from fashion_zoo.errors import DataError

_NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def _file(folder: str | Path, name: str) -> Path | None:
    """Return the path of a file of this name, packed or not, or None."""
    # Some archives have a dot where the published names have a hyphen.
    known = (name, name.replace("-idx", ".idx"))
    paths = (Path(folder, one + end) for one in known for end in (".gz", ""))
    return next((path for path in paths if os.path.exists(path)), None)


@WORDS.form(
    lambda text: any(_file(text, name) for name in _NAMES["train"]), "a folder of IDX files"
)
@WORDS.register
def idx(path: str) -> Source:
    """A folder with the four files of MNIST, gzipped or not."""
    return source_of_paths("idx", _read, path)


def _read(config: DataConfig, folder: Path) -> Raw:
    if not folder.is_dir():
        raise missing(folder)
    train = _part(folder, "train")
    if train is None:
        names = " and ".join(_NAMES["train"])
        raise DataError(f"{folder} has no IDX files. Expected {names}, gzipped or not.")
    return Raw(train, _part(folder, "test"))


def _part(folder: Path, part: str) -> Given | None:
    files = [_file(folder, name) for name in _NAMES[part]]
    if files == [None, None]:
        return None
    for file, name in zip(files, _NAMES[part], strict=True):
        if file is None:
            raise DataError(f"{folder / name} is missing, gzipped or not, beside the other file.")
    images, labels = (file for file in files if file)
    return Given(
        read_idx(images, (None, None, None)), read_idx(labels, (None,)), str(images), str(labels)
    )
