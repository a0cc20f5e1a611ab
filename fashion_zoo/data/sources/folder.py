"""A folder of class folders with pictures."""

import os
import re
from pathlib import Path

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.pictures import open_picture
from fashion_zoo.data.sources import (
    SPLIT,
    WORDS,
    Given,
    Raw,
    Source,
    missing,
    nearest_file,
    shown,
    source_of_paths,
)
from fashion_zoo.errors import DataError, Hint
from fashion_zoo.language.vocabulary import EXPRESSION
from fashion_zoo.language.wording import counted, nearest

_PARTS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
_LARGEST = 2**33  # bytes of all pictures of a part
_LISTED = 10  # broken files in a message


def _is_folder(text: str) -> bool:
    """Whether a text is a path: reading it says what is there, or what is near it."""
    if os.path.exists(text):
        return True
    if not EXPRESSION.fullmatch(text):
        return os.sep in text or "." in text
    # A word that is misspelt or not registered, or the name of a folder.
    return "(" not in text and not nearest(text, WORDS) and nearest_file(text) is not None


@WORDS.form(_is_folder, "a folder of class folders", last=True)
@WORDS.register
def folder(path: str) -> Source:
    """A folder with a folder of pictures for each class, or ``train/`` and ``test/`` of these."""
    return source_of_paths("folder", _read, path, takes=(*SPLIT, "skip_broken"))


def _read(config: DataConfig, root: Path) -> Raw:
    if not root.is_dir():
        raise missing(root)
    parts = _parts_of(root)
    names = _class_names(root, parts)
    files = {
        part: [(file, label) for label, name in enumerate(names) for file in _files(place / name)]
        for part, place in parts.items()
    }
    read = _Reader(config, root)
    images = {part: read.all(its) for part, its in files.items()}
    read.check()
    colored = any(whole.ndim == 4 for whole, _ in images.values())
    given = {
        part: Given(
            _rgb(whole) if colored else whole, labels, shown(parts[part]), shown(parts[part])
        )
        for part, (whole, labels) in images.items()
    }
    return Raw(
        given["train"], given.get("test"), given.get("validation"), names, notes=read.notes()
    )


def _parts_of(root: Path) -> dict[str, Path]:
    """Return the folder of each part: those above the classes, or the root for all."""
    found = {
        part: root / name
        for part, names in _PARTS.items()
        for name in names
        if (root / name).is_dir()
    }
    if "train" not in found:
        return {"train": root}
    strange = sorted(set(_folders(root, root)) - {place.name for place in found.values()})
    if strange:
        raise DataError(
            f"{shown(root)} has train and {strange[0]!r} in it. Expected class folders alone, or "
            "train, validation and test alone."
        )
    return found


def _class_names(root: Path, parts: dict[str, Path]) -> list[str]:
    """Return the names of the class folders, which the training part must have all of."""
    names = _folders(parts["train"], root)
    if len(names) < 2:
        files = len(_entries(parts["train"])) - len(names)
        has = f"{counted(len(names), 'class folder')} and {counted(files, 'file')} beside"
        raise DataError(
            f"{shown(parts['train'])} {f'has {has}' if names or files else 'is empty'}; expected a "
            "folder with pictures for each of at least two classes."
        )
    for place in parts.values():
        if strange := sorted(set(_folders(place, root)) - set(names)):
            raise DataError(
                f"{shown(place)} has a class {strange[0]!r}, which {parts['train']} has not."
            )
    for name in names:
        if not _files(parts["train"] / name):
            raise DataError(f"{shown(parts['train'] / name)} is empty: a class needs pictures.")
    return names


def _folders(place: Path, root: Path) -> list[str]:
    """Return the names of the folders in a folder, in order, but hidden ones."""
    # Not entry.is_dir, which raises for a link to itself.
    found = sorted(entry.name for entry in _entries(place) if os.path.isdir(entry.path))
    for name in found:
        _check_inside(place / name, root)
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(f"{shown(place / name)}: the name is not UTF-8. Rename it.") from None
    return found


def _check_inside(path: Path, root: Path) -> None:
    """Raise DataError for a link that leads out of the folder, to files that nobody listed."""
    if path.is_symlink():
        target, home = os.path.realpath(path), os.path.realpath(root)
        if os.path.commonpath([target, home]) != home:
            raise DataError(f"{shown(path)} is a link out of the folder.")


def _files(place: Path) -> list[os.DirEntry[str]]:
    """Return what is in a class folder, in order, but hidden files."""
    return sorted(_entries(place), key=lambda one: one.name) if place.is_dir() else []


def _entries(place: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{shown(place)} cannot be read: {error.strerror or error}.") from error


def _rgb(images: np.ndarray) -> np.ndarray:
    """Return grey images as RGB, and others as they are."""
    return images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)


class _Reader:
    """Reads pictures, and remembers what was changed about them and which cannot be read."""

    def __init__(self, config: DataConfig, root: Path):
        self.config = config
        self.root = root
        self.size = (config.size, config.size) if config.size else None
        self.broken: list[str] = []
        self.changes: dict[str, int] = {}
        self.first: tuple[str, tuple[int, ...]] | None = None

    def all(self, files: list[tuple[os.DirEntry[str], int]]) -> tuple[np.ndarray, np.ndarray]:
        """Return the images and labels of the files that can be read, RGB if one of them is."""
        whole = np.zeros((0, 1, 1), np.uint8)
        labels: list[int] = []
        for file, label in files:
            try:
                image = self._image(file)
            except _OfAll:
                raise
            except DataError as error:
                self.broken.append(str(error))
                continue
            if not labels:
                self.check_memory(len(files) * image.nbytes)
                whole = np.zeros((len(files), *image.shape), np.uint8)
            elif image.ndim == 3:
                whole = _rgb(whole)
            whole[len(labels)] = image if image.ndim == whole.ndim - 1 else image[..., None]
            labels.append(label)
        return whole[: len(labels)], np.array(labels)

    def _image(self, file: os.DirEntry[str]) -> np.ndarray:
        if file.is_symlink():  # without another look at the disk
            _check_inside(Path(file.path), self.root)
        picture = open_picture(file.path, self.config.color, self.size)
        for note in picture.notes:
            kind = "resized" if re.match(r"\d+x\d", note) else note
            self.changes[kind] = self.changes.get(kind, 0) + 1
        size = picture.image.shape[:2]
        self.first = self.first or (file.path, size)
        if size != self.first[1]:
            (wide, high), (other_wide, other_high) = size[::-1], self.first[1][::-1]
            raise _OfAll(
                f"{shown(file.path)} has {wide}x{high} pixels, and {shown(self.first[0])} "
                f"{other_wide}x{other_high}. Set ",
                Hint("data.size", min(*size, *self.first[1])),
                " to convert them to one size.",
            )
        return picture.image

    def check_memory(self, size: int) -> None:
        """Raise DataError if the pictures would take too many bytes."""
        if size > _LARGEST:
            raise _OfAll(
                f"The pictures of {shown(self.root)} would take {size / 2**30:.1f} GiB of memory; "
                f"at most {_LARGEST >> 30} are read. Set ",
                Hint("data.size", 28),
                " or another height and width.",
            )

    def check(self) -> None:
        """Raise DataError with the files that cannot be read, unless they are to be skipped."""
        if not self.broken or self.config.skip_broken:
            return
        more = len(self.broken) - _LISTED
        lines = [*self.broken[:_LISTED], *([f"and {more:,} more"] if more > 0 else [])]
        raise DataError(
            f"{shown(self.root)} has {counted(len(self.broken), 'file')} that cannot be read as "
            "pictures. Mend or remove them, or leave them out with ",
            Hint("data.skip_broken", True),
            ":",
            *(f"\n  {line}" for line in lines),
        )

    def notes(self) -> tuple[str, ...]:
        """Return what was changed and left out, for people."""
        changed = [f"{counted(count, 'picture')} {note}" for note, count in self.changes.items()]
        if self.broken:
            changed.append(f"{counted(len(self.broken), 'broken file')} left out")
        return tuple(changed)


class _OfAll(DataError):
    """What is wrong is the size of the pictures, not a file."""
