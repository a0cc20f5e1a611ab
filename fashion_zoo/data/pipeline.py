"""The pipeline: what ``fit`` reads, keyed by (seed, epoch) and never longer than an epoch."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fashion_zoo.data.batches import encode, epoch_order, smooth, steps_per_epoch
from fashion_zoo.data.sources import Images


class Pipeline(NamedTuple):
    """One epoch of batches, over and over."""

    batches: Any
    """What ``fit`` takes as ``x``: (images, labels) with images (batch, 28, 28) uint8."""
    steps: int
    """Batches an epoch."""
    images_per_step: int
    """Images a batch."""
    start_epoch: Callable[[int], None]
    """Call it with the number of an epoch, from 0, before that epoch is read."""
    applied: Callable[[int], dict[str, float]]
    """Takes the number of an epoch; returns what moved, as it was at the epoch's last step."""


def training_pipeline(
    data: Images,
    *,
    batch_size: int,
    seed: int,
    num_classes: int,
    label_smoothing: float | Sequence[float],
) -> Pipeline:
    """Make the training pipeline.

    The images stay resident as uint8 and each batch is one gather: on a small network that is
    faster than a stream of single images. The order is ``epoch_order`` on every backend.

    Args:
        data: the training images.
        batch_size: images a batch.
        seed: key of the order.
        num_classes: number of classes.
        label_smoothing: see ``encode``; one number, or one for each step of the whole training.
            It is done here and nowhere else.
    """
    import keras

    table = None
    if isinstance(label_smoothing, Sequence):
        table = np.asarray(label_smoothing, dtype=np.float32)
        labels = encode(data.labels, num_classes, 0.0)
    else:
        labels = encode(data.labels, num_classes, label_smoothing or None)
    make = _tf_batches if keras.backend.backend() == "tensorflow" else _array_batches

    def order(epoch: int) -> np.ndarray:
        return epoch_order(len(labels), batch_size, seed, epoch)

    def applied(epoch: int) -> dict[str, float]:
        last = (epoch + 1) * steps - 1
        return {} if table is None else {"label_smoothing": float(table[last])}

    steps = steps_per_epoch(len(labels), batch_size)
    batches, start_epoch = make(data.images, labels, order, steps, table)
    return Pipeline(batches, steps, min(batch_size, len(labels)), start_epoch, applied)


def _tf_batches(images, labels, order, steps, table):
    import tensorflow as tf

    # fit makes a new iterator for each epoch; the iterator reads the variable when it starts.
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    batch = order(0).shape[1]
    images, labels = tf.constant(images), tf.constant(labels)

    def rows(_):
        indices = tf.numpy_function(order, [epoch], tf.int32, stateful=True)
        numbers = epoch * steps + tf.range(steps, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices(
            (numbers, tf.ensure_shape(indices, (steps, batch)))
        )

    def gather(number, indices):
        answers = tf.gather(labels, indices)
        if table is not None:
            answers = smooth(answers, tf.gather(table, number))
        return tf.gather(images, indices), answers

    batches = (
        tf.data.Dataset.range(1)
        .flat_map(rows)
        .map(gather, num_parallel_calls=2, deterministic=True)
        .prefetch(4)
        .apply(tf.data.experimental.assert_cardinality(steps))
    )
    return batches, epoch.assign


def _array_batches(images, labels, order, steps, table):
    import keras

    class Batches(keras.utils.PyDataset):
        indices, first = order(0), 0

        def __len__(self):
            return steps

        def __getitem__(self, step):
            answers = labels[self.indices[step]]
            if table is not None:
                answers = smooth(answers, table[self.first + step])
            return images[self.indices[step]], answers

    batches = Batches()

    def start_epoch(epoch: int) -> None:
        batches.indices, batches.first = order(epoch), epoch * steps

    return batches, start_epoch
