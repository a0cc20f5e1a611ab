"""Positions of images: stratified slices, folds, and batches keyed by (seed, epoch)."""

import functools
import math
from collections.abc import Callable

import numpy as np

from fashion_zoo.config.training import Sampling
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import checked
from fashion_zoo.seeds import derive


def fold_positions(labels: np.ndarray, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the positions that each fold leaves for training, and those that it holds out."""
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(folds, shuffle=True, random_state=0).split(labels, labels))


@checked
def stratified(labels: np.ndarray, count: int) -> np.ndarray:
    """Choose ``count`` positions of (n,) integer labels, class by class in turn.

    Return sorted int64 positions, all n if ``count`` is larger. Class counts differ by at most one
    while no class runs out.
    """
    rank = np.empty(len(labels), dtype=np.int64)  # of each image within its class
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    return np.sort(np.lexsort((labels, rank))[:count])


def tail_positions(labels: np.ndarray, classes: int, ratio: float, seed: int) -> np.ndarray:
    """Choose fewer positions of each class than of the class before it; see ``data.long_tail``."""
    counts, kept = np.bincount(labels, minlength=classes), []
    for label, count in enumerate(counts):
        wanted = round(counts.max() * ratio ** (-label / max(classes - 1, 1)))
        generator = np.random.default_rng(derive(seed, "long tail", label))
        members = generator.permutation(np.flatnonzero(labels == label))
        kept.append(members[: min(max(wanted, 1), count)])
    return np.sort(np.concatenate(kept))


@checked
def reshape(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Reshape (n, height, width) images to (n, *shape), the input of a model."""
    check_shape(shape, images.shape[1:])
    return images.reshape(len(images), *shape)


def check_shape(shape: tuple[int, ...], image: tuple[int, ...]) -> None:
    """Raise ConfigError if the input of a model and an image have different numbers of values."""
    if math.prod(shape) != math.prod(image):
        raise ConfigError(
            f"The model has input_shape={tuple(shape)}, which is {math.prod(shape):,} values; "
            f"an image has {image}, which is {math.prod(image):,}."
        )


def steps_per_epoch(count: int, batch_size: int, accumulation: int = 1) -> int:
    """Return the number of full batches in ``count`` images; raise ConfigError if it is 0.

    With ``accumulation`` it is a multiple of it, so that an epoch has whole updates.
    """
    images = batch_size * accumulation
    if images > count:
        times = f" times training.accumulation {accumulation}" if accumulation > 1 else ""
        raise ConfigError(
            f"training.batch_size{times} must be at most {count:,}, the number of training images; "
            f"received {images:,}."
        )
    return count // images * accumulation


def epoch_order(count: int, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Return the image positions of an epoch, (steps, batch) int32, in full batches only."""
    generator = np.random.default_rng(derive(seed, "order", int(epoch)))
    order = generator.permutation(count).astype(np.int32)
    steps = steps_per_epoch(count, batch_size)
    return order[: steps * batch_size].reshape(steps, batch_size)


def balanced_order(labels: np.ndarray, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Return image positions of as many full batches, (steps, batch) int32, with balanced classes.

    The class of each place is drawn uniformly from those that have images. The images of a class
    are taken in random order, all of them before one is taken again in the epoch.

    Reference: Shen, Lin & Huang 2016, arXiv:1512.05830, class-aware sampling.
    """
    generator = np.random.default_rng(derive(seed, "balanced order", int(epoch)))
    steps = steps_per_epoch(len(labels), batch_size)
    drawn = generator.choice(np.unique(labels), size=steps * batch_size)
    order = np.empty(len(drawn), dtype=np.int32)
    for label in np.unique(labels):
        places, members = np.flatnonzero(drawn == label), np.flatnonzero(labels == label)
        rounds = [generator.permutation(members) for _ in range(-(-len(places) // len(members)))]
        order[places] = np.concatenate([members[:0], *rounds])[: len(places)]
    return order.reshape(steps, batch_size)


def bootstrap(count: int, seed: int) -> np.ndarray:
    """Draw ``count`` of as many image positions with replacement, (count,) int32, sorted.

    About 1 / e of the images, 37 %, are in no place of it.

    Reference: Breiman 1996, Machine Learning 24(2), doi:10.1007/BF00058655.
    """
    generator = np.random.default_rng(derive(seed, "bootstrap"))
    return np.sort(generator.integers(count, size=count)).astype(np.int32)


def orders(
    labels: np.ndarray,
    batch_size: int,
    seed: int,
    sampling: Sampling = "shuffle",
    accumulation: int = 1,
) -> Callable[[int], np.ndarray]:
    """Return the order of a training: a function from epoch to positions, (steps, batch) int32.

    The images of ``accumulation`` batches are those of one that is as large as they together. With
    ``sampling`` "balanced" they are drawn as in ``balanced_order``, and with "bootstrap" every
    place of one sample has its turn in an epoch, as every image has with "shuffle".
    """
    size = batch_size * accumulation
    if sampling == "balanced":
        whole = functools.partial(balanced_order, labels, size, seed)
    else:
        whole = functools.partial(epoch_order, len(labels), size, seed)
    if sampling == "bootstrap":
        sample = bootstrap(len(labels), seed)
        return lambda epoch: sample[whole(epoch)].reshape(-1, batch_size)
    return lambda epoch: whole(epoch).reshape(-1, batch_size)


def encode(
    labels: np.ndarray,
    num_classes: int,
    smoothing: float | None,
    prior: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Encode (n,) integer labels for the loss, (n,) int32 if ``smoothing`` is None.

    Else they are (n, num_classes) float32, smoothed as ``smooth`` does, and with (n,) ``weights``
    of the images each row sums to its weight.
    """
    if smoothing is None:
        return labels.astype(np.int32)
    found = smooth(np.eye(num_classes, dtype=np.float32)[labels], np.float32(smoothing), prior)
    return found if weights is None else found * weights[:, None]


def smooth(one_hot, smoothing, prior=None):
    """Spread a fraction of each row over the classes; arrays or tensors, float32.

        (1 - smoothing) * one_hot + smoothing * prior

    ``prior`` is evenly distributed by default; a (classes, classes) one is multiplied by the row,
    for rows that do not sum to 1. A loss that corrects for the frequencies of the classes needs
    theirs: with evenly smoothed labels its optimum ranks a rare class above the right one, once
    log(smoothing / classes / prior) is the largest.

    Reference: Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """
    if prior is None:
        return (1 - smoothing) * one_hot + smoothing / one_hot.shape[-1]
    if prior.ndim == 2:
        prior = one_hot @ prior
    return (1 - smoothing) * one_hot + smoothing * prior
