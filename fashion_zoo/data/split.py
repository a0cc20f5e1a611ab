"""Positions of images: stratified slices and folds. And the shape that a model takes."""

import math

import numpy as np

from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import checked


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
    """Give images the shape that a model takes, such as (height, width, 1) or (pixels,).

    Args:
        images: (n, height, width) uint8.
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
