"""Operations that mix each image, and its label, with its partner: the batch read backwards.

The order of a batch is random already, so that the partner is. Every way is a weight for each
pixel, and the label's weight is their mean. Keras's layers are as fast (docs/speed.md), but have
neither a key, nor a probability, nor one label for what was mixed in either way.
"""

import tensorflow as tf

from fashion_zoo.augment.pixels import inside
from fashion_zoo.augment.policies import Operation


def mix(images, labels, operation: Operation, key, strength):
    """Mix a batch.

    Args:
        images: (batch, height, width) float32.
        labels: (batch, classes) floating probabilities.
        operation: mixup, cutmix or either.
        key: of its random numbers.
        strength: multiplies the probability of mixing.
    """
    kept = weights(tf.shape(images), operation, key, strength)
    share = tf.cast(tf.reduce_mean(kept, axis=(1, 2)), labels.dtype)[:, None]
    mixed = kept * images + (1.0 - kept) * tf.reverse(images, [0])
    return mixed, share * labels + (1.0 - share) * tf.reverse(labels, [0])


def weights(shape, operation: Operation, key, strength):
    """Draw how much of each pixel is kept: (batch, height, width) or (batch, 1, 1) float32."""
    parts = tf.random.experimental.stateless_split(key, 4)
    drawn = tf.random.stateless_uniform([4, shape[0], 1, 1], parts[0])
    if operation.name == "either":
        first, second = operation.values["first"], operation.values["second"]
        return tf.where(
            drawn[0] < operation.values["p"],
            weights(shape, first, parts[1], strength),
            weights(shape, second, parts[2], strength),
        )
    lam = beta(shape[:1], operation.values["alpha"], parts[3])[:, None, None]
    ways = {"mixup": lambda: lam, "cutmix": lambda: _outside(shape, lam, drawn[2], drawn[3])}
    return tf.where(drawn[1] < operation.values["p"] * strength, ways[operation.name](), 1.0)


def _outside(shape, lam, y, x):
    """Return 0 in a rectangle of ``1 - lam`` of the area about (y, x), cut off, else 1."""
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    side = tf.sqrt(1.0 - lam)
    tall, wide = tf.floor(side * height), tf.floor(side * width)
    top = tf.floor(y * height) - tf.floor(tall / 2.0)
    left = tf.floor(x * width) - tf.floor(wide / 2.0)
    box = tf.stack([one[:, 0, 0] for one in (top, top + tall, left, left + wide)])
    return 1.0 - tf.cast(inside(shape, box), tf.float32)


def beta(shape, alpha: float, key):
    """Draw from Beta(alpha, alpha): of two gamma variables, the share of the first."""
    drawn = tf.random.stateless_gamma(tf.concat([[2], shape], axis=0), key, alpha)
    # Both underflow to 0 once in many millions for a small alpha; then all is the partner's.
    return tf.math.divide_no_nan(drawn[0], drawn[0] + drawn[1])
