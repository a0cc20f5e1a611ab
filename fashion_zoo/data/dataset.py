"""The data set as a value: images in three parts, their classes and their shape."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Literal, NamedTuple

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.batches import fold_positions, stratified, tail_positions
from fashion_zoo.data.pictures import border
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import received
from fashion_zoo.language.wording import counted

Part = Literal["train", "test"]


class Images(NamedTuple):
    """Images with their labels."""

    images: np.ndarray
    """(count, height, width) grey or (count, height, width, 3) RGB, uint8 in 0..255."""
    labels: np.ndarray
    """(count,) integers, positions in the class names; uint8 up to 256 classes."""

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.images.shape[1:]))
        return f"{counted(len(self.images), 'image')} of {shape} {self.images.dtype}"


class Positions(NamedTuple):
    """Which images are in which part."""

    train: np.ndarray
    """(n,) positions among the images of part ``train``."""
    validation: np.ndarray
    """(n,) positions among the same images, disjoint from ``train``."""
    test: np.ndarray
    """(n,) positions among the test images."""


@dataclasses.dataclass(frozen=True)
class Description:
    """A data set without its images, as a run stores it."""

    class_names: tuple[str, ...]
    image_shape: tuple[int, ...]  # (height, width), or (height, width, 3) in colour
    train: int  # number of images
    validation: int
    test: int
    digest: str | None = None  # of the Dataset; None if the images were not read
    test_digest: str | None = None  # of the test images; None where training does not read them
    invert: bool = False  # whether light and dark were swapped
    notes: tuple[str, ...] = ()  # what was changed or left out, for people
    ground: int = 0  # median of the borders of training images, 0 is black


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A data set, whose images are read when they are first used.

    So classes and counts cost nothing, and a test file is opened only for ``test``.

    Raises:
        ConfigError: if ``origin.limit`` is above the number of images, or below one of each class.
    """

    origin: DataConfig
    """Config that it was made from."""
    class_names: tuple[str, ...]
    """Name of each label."""
    image_shape: tuple[int, ...]
    """(height, width), or (height, width, 3) in colour."""
    positions: Positions
    """Of the whole data set; ``origin.limit`` takes a stratified slice of ``train``, of which
    ``origin.long_tail`` takes fewer of each class."""
    read: Callable[[Part], Images]
    """Reads the training and validation images, or the test images."""
    in_memory: bool = False
    """Whether the images are in memory already, the test images too."""
    notes: tuple[str, ...] = ()
    """What was changed or left out on the way in, for people."""

    def __post_init__(self) -> None:
        limit, classes, whole = self.origin.limit, len(self.class_names), len(self.positions.train)
        held_out = len(self.positions.validation)
        if limit is not None and not classes <= limit <= whole:
            raise ConfigError(
                f"data.limit must be in {classes}..{whole:,}, received {limit:,}: there are "
                f"{classes} classes, and {held_out:,} of the {whole + held_out:,} training images "
                "are held out for validation."
            )

    def __repr__(self) -> str:
        shape, known = "x".join(map(str, self.image_shape)), self.describe(read=False)
        return (
            f"{self.origin.title}: {counted(known.train, 'image')} of {shape} to train on, "
            f"{known.validation:,} for validation, {known.test:,} for the test\n"
            f"classes: {', '.join(self.class_names)}"
        )

    @property
    def count(self) -> int:
        """Number of training images, which are read only if they are long-tailed."""
        if self.origin.long_tail is not None:
            return len(self.used.train)
        return self.origin.limit or len(self.positions.train)

    @property
    def train(self) -> Images:
        """Training images; read-only, as the other parts are."""
        return self._learned[0]

    @property
    def validation(self) -> Images:
        """Validation images, which select."""
        return self._learned[1]

    @functools.cached_property
    def test(self) -> Images:
        """Test images, which neither train nor select."""
        return _part(self.read("test"), self.positions.test)

    @functools.cached_property
    def used(self) -> Positions:
        """The positions of the images in use: those of ``train`` that ``origin`` leaves."""
        train, origin = self.positions.train, self.origin
        if origin.limit is not None:
            train = train[stratified(self._whole.labels[train], origin.limit)]
        if origin.long_tail is not None:
            labels, classes = self._whole.labels[train], len(self.class_names)
            train = train[tail_positions(labels, classes, origin.long_tail, origin.seed)]
        return self.positions._replace(train=train)

    @functools.cached_property
    def _whole(self) -> Images:
        return self.read("train")

    @functools.cached_property
    def _learned(self) -> tuple[Images, Images]:
        whole, used = self._whole, self.used
        del self.__dict__["_whole"]  # a copy of the parts is kept instead
        return _part(whole, used.train), _part(whole, used.validation)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the training and validation images and labels, in hexadecimal."""
        return _digest(self.train, self.validation)

    @functools.cached_property
    def test_digest(self) -> str:
        """The same of the test images, which are read."""
        return _digest(self.test)

    def describe(self, *, read: bool = True) -> Description:
        """Return the description that a run stores; ``read`` whether to read images for digests."""
        return Description(
            self.class_names,
            self.image_shape,
            self.count,
            len(self.positions.validation),
            len(self.positions.test),
            self.digest if read else None,
            self.test_digest if read and self.in_memory else None,
            self.origin.invert,
            self.notes,
            self._ground() if read else 0,
        )

    def _ground(self) -> int:
        """Return the median border of a hundred images of the whole range, 0 in colour."""
        images = self.train.images
        if images.ndim == 4:  # photographs have no ground
            return 0
        return int(np.median([border(one) for one in images[:: len(images) // 100 + 1]]))

    def fold(self, number: int, folds: int) -> "Dataset":
        """Hold out one of several stratified folds of the training images, for cross-validation.

        ``train`` is then all but fold ``number`` (from 0), ``validation`` that fold, in order.
        """
        train, held_out = fold_positions(self.train.labels, folds)[number]
        return dataclasses.replace(
            self,
            origin=dataclasses.replace(self.origin, limit=None, long_tail=None),
            positions=self.positions._replace(train=train, validation=held_out),
            read=lambda part: self.train if part == "train" else self.read(part),
        )


def names_of(given: Any) -> tuple[str, ...]:
    """Return class names as a tuple; raise ConfigError if they are no list of different texts."""
    several = isinstance(given, Iterable) and not isinstance(given, str | Set | Mapping)
    names = tuple(given) if several else ()
    texts = all(isinstance(name, str) for name in names)
    if not names or not texts or len(set(names)) < len(names):
        raise ConfigError(f"class_names must be different texts, received {received(given)}.")
    return tuple(map(str, names))  # numpy's texts are a class of their own


def _digest(*parts: Images) -> str:
    found = hashlib.sha256()
    for part in parts:
        for array in part:
            found.update(f"{array.dtype}{array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _part(images: Images, chosen: np.ndarray) -> Images:
    """Return a read-only copy of some images."""
    part = Images(*(array[chosen] for array in images))
    for array in part:
        array.flags.writeable = False
    return part
