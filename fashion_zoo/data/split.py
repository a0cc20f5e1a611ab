"""The split: which of the 60,000 published training images are held out for validation."""

import functools
import hashlib
import math
from typing import NamedTuple

import numpy as np

from fashion_zoo.config import DataConfig, RunConfig
from fashion_zoo.data.batches import steps_per_epoch
from fashion_zoo.data.sources import CLASS_NAMES, EMBEDDED, TRAINING_IMAGES, Images, load_part
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import checked


class Split(NamedTuple):
    """What training sees: no test images."""

    train: Images
    """55,000 images, or the stratified slice of them that ``limit`` asks for."""
    validation: Images
    """5,000 images, 500 of each class."""

    def __repr__(self) -> str:
        return f"training: {self.train!r}\nvalidation: {self.validation!r}"

    def digest(self) -> str:
        """Return the SHA-256 of all pixels and labels, in hexadecimal."""
        found = hashlib.sha256()
        for part in self:
            for array in part:
                found.update(f"{array.dtype}{array.shape}".encode())
                found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()


@functools.cache
def validation_indices() -> np.ndarray:
    """Return the (5000,) int32 positions of the validation images in the training file, sorted.

    They were drawn once, 500 of each class, and are stored so that no library can change them.
    """
    text = (EMBEDDED / "validation_indices.txt").read_text(encoding="ascii")
    return np.array(text.split(), dtype=np.int32)


def training_count(config: DataConfig) -> int:
    """Return how many images are trained on, without a look at the files.

    Raises:
        ConfigError: ``limit`` asks for more than there are, or for less than one of each class.
    """
    held_out = len(validation_indices())
    whole = TRAINING_IMAGES - held_out
    if config.limit is None:
        return whole
    if not len(CLASS_NAMES) <= config.limit <= whole:
        raise ConfigError(
            f"data.limit must be in {len(CLASS_NAMES)}..{whole:,}, received {config.limit:,}: "
            f"there are {len(CLASS_NAMES)} classes, and {held_out:,} of the {TRAINING_IMAGES:,} "
            "training images are held out for validation."
        )
    return config.limit


def check_sizes(config: RunConfig) -> None:
    """Check that there are as many images as a training asks for, without a look at the files.

    Raises:
        ConfigError: as ``training_count``; or a batch is larger than the training set.
    """
    steps_per_epoch(training_count(config.data), config.training.batch_size)


@checked
def load_split(config: DataConfig | None = None) -> Split:
    """Load the training file and split it, always into the same two parts; read-only.

    Args:
        config: where the images come from, and how many; by default all of Fashion-MNIST.

    Raises:
        ConfigError: the config is something else; or as ``training_count``.
        DataError: a file is missing, damaged or not the published one.
    """
    config = DataConfig() if config is None else config
    training_count(config)
    images, labels = load_part("train", config.dataset, config.folder)
    held_out = np.zeros(len(labels), dtype=bool)
    held_out[validation_indices()] = True
    train = np.flatnonzero(~held_out)
    if config.limit is not None:
        train = train[stratified(labels[train], config.limit)]
    everything = Images(images, labels)
    return Split(_part(everything, train), _part(everything, held_out))


@checked
def fold(images: Images, number: int, folds: int) -> Split:
    """Hold out one of several stratified folds of images, for cross-validation.

    Args:
        images: all of them.
        number: which fold is held out, from 0.
        folds: how many there are; every image is held out in one of them.

    Returns:
        The other folds as ``train``, this one as ``validation``. Both keep the images' order.
    """
    parts = fold_positions(images.labels, folds)[number]
    return Split(*(_part(images, part) for part in parts))


def _part(images: Images, chosen: np.ndarray) -> Images:
    """Return some of the images, read-only as those that are loaded whole."""
    part = Images(images.images[chosen], images.labels[chosen])
    for array in part:
        array.flags.writeable = False
    return part


def fold_positions(labels: np.ndarray, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the positions that each fold leaves for training, and those that it holds out."""
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(folds, shuffle=True, random_state=0).split(labels, labels))


@checked
def stratified(labels: np.ndarray, count: int) -> np.ndarray:
    """Choose ``count`` positions, class by class in turn, in the order of the file.

    Args:
        labels: (n,) integer labels.
        count: how many to choose; all of them when it exceeds n.

    Returns:
        Sorted int64 positions. Class counts differ by at most one while no class runs out.
    """
    rank = np.empty(len(labels), dtype=np.int64)  # of each image within its class
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    return np.sort(np.lexsort((labels, rank))[:count])


@checked
def reshape(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Give images the shape that a model takes, such as (28, 28, 1) or (784,).

    Args:
        images: (n, 28, 28) uint8.
        shape: shape of one input of the model.

    Raises:
        ConfigError: the two do not hold the same number of values.
    """
    check_shape(shape, images.shape[1:])
    return images.reshape(len(images), *shape)


def check_shape(shape: tuple[int, ...], image: tuple[int, ...]) -> None:
    """Check that the input of a model holds as many values as an image.

    Raises:
        ConfigError: it does not.
    """
    if math.prod(shape) != math.prod(image):
        raise ConfigError(
            f"The model has input_shape={tuple(shape)}, which is {math.prod(shape):,} values; "
            f"an image has {image}, which is {math.prod(image):,}."
        )
