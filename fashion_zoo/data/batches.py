"""Batches in an order keyed by (seed, epoch), in numpy: the same on every backend."""

import numpy as np

from fashion_zoo.errors import ConfigError
from fashion_zoo.seeds import derive


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Return the number of full batches in ``count`` images.

    Raises:
        ConfigError: there is not one.
    """
    if batch_size > count:
        raise ConfigError(
            f"training.batch_size must be at most {count:,}, the number of training images; "
            f"received {batch_size:,}."
        )
    return count // batch_size


def epoch_order(count: int, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of an epoch: a (steps, batch) int32 array of image positions.

    The images that do not fill a last batch are left out; every epoch leaves out others.
    """
    generator = np.random.default_rng(derive(seed, "order", int(epoch)))
    order = generator.permutation(count).astype(np.int32)
    steps = steps_per_epoch(count, batch_size)
    return order[: steps * batch_size].reshape(steps, batch_size)


def encode(labels: np.ndarray, num_classes: int, smoothing: float | None) -> np.ndarray:
    """Turn labels into what the loss takes.

    Args:
        labels: (n,) integers.
        num_classes: number of classes.
        smoothing: fraction of each label spread evenly over all classes, in [0, 1); None keeps
            integers.

    Returns:
        (n,) int32 for None, else (n, num_classes) float32 that sums to 1 a row:
        ``(1 - smoothing) * one_hot + smoothing / num_classes``.

    Reference: Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """
    if smoothing is None:
        return labels.astype(np.int32)
    return smooth(np.eye(num_classes, dtype=np.float32)[labels], np.float32(smoothing))


def smooth(one_hot, smoothing):
    """Spread a fraction of each row evenly over the classes; arrays or tensors, float32."""
    return (1 - smoothing) * one_hot + smoothing / one_hot.shape[-1]
