"""Operations that change pixels in place or mix images: (batch, height, width) float32 in 0..255.

Each takes the images, the key of its random numbers, the strength and its own values. Keras's
layers do noise, brightness, contrast and mixing as fast and erasing half as fast (docs/speed.md),
but cannot be keyed by a step or take a strength that moves.
"""

import math

import tensorflow as tf

from fashion_zoo.augment.policies import Operation

RATIO = 3.3  # largest ratio of the sides of an erased rectangle


def erase(images, key, strength, p, low, high, fill):
    """Fill rectangles; see ``policies.erase``."""
    box = erase_box(tf.shape(images), key, p * strength, low, high)
    return tf.where(inside(tf.shape(images), box), tf.cast(fill, tf.float32), images)


def erase_box(shape, key, p, low, high):
    """Draw a rectangle per image: top, bottom, left, right, the ends excluded; (4, batch) float32.

    It is inside of the image; with probability 1 - p it is empty.
    """
    taken, area, ratio, y, x = tf.unstack(tf.random.stateless_uniform([5, shape[0]], key))
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    area = (low + area * (high - low)) * height * width
    ratio = tf.exp((2.0 * ratio - 1.0) * math.log(RATIO))
    # Only some ratios of a large area fit the image; cropping would make the rectangle smaller.
    ratio = tf.clip_by_value(ratio, area / tf.square(width), tf.square(height) / area)
    tall = tf.minimum(tf.round(tf.sqrt(area * ratio)), height)
    wide = tf.minimum(tf.round(tf.sqrt(area / ratio)), width)
    tall = tf.where(taken < p, tall, 0.0)
    top = tf.floor(y * (height - tall + 1.0))
    left = tf.floor(x * (width - wide + 1.0))
    return tf.stack([top, top + tall, left, left + wide])


def cutout(images, key, strength, size, p):
    """Blacken squares; see ``policies.cutout``."""
    shape = tf.shape(images)
    taken, y, x = tf.unstack(tf.random.stateless_uniform([3, shape[0]], key))
    top = tf.floor(y * tf.cast(shape[1], tf.float32)) - size // 2
    left = tf.floor(x * tf.cast(shape[2], tf.float32)) - size // 2
    tall = tf.where(taken < p * strength, tf.cast(size, tf.float32), 0.0)
    box = tf.stack([top, top + tall, left, left + size])
    return tf.where(inside(shape, box), 0.0, images)


def inside(shape, box):
    """Return the pixels inside of the rectangle of each image: (batch, height, width) bool."""
    top, bottom, left, right = tf.unstack(box[..., None])
    y, x = tf.range(tf.cast(shape[1], tf.float32)), tf.range(tf.cast(shape[2], tf.float32))
    rows = (y >= top) & (y < bottom)
    columns = (x >= left) & (x < right)
    return rows[:, :, None] & columns[:, None, :]


def noise(images, key, strength, std):
    """Add Gaussian noise; see ``policies.noise``."""
    drawn = tf.random.stateless_normal(tf.shape(images), key)
    return _clip(images + drawn * (255.0 * std * strength))


def brightness(images, key, strength, amount):
    """Add a number; see ``policies.brightness``."""
    drawn = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1], key, -1.0, 1.0)
    return _clip(images + drawn * (255.0 * amount * strength))


def contrast(images, key, strength, amount):
    """Scale the distance from the mean; see ``policies.contrast``."""
    drawn = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1], key, -1.0, 1.0)
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    return _clip(mean + (images - mean) * (1.0 + drawn * amount * strength))


def _clip(images):
    return tf.clip_by_value(images, 0.0, 255.0)


def mix(images, labels, operation: Operation, key, strength):
    """Mix images and labels with those of the batch in reverse order, which is random already.

    mixup, cutmix and either are a weight of each pixel; that of the label is their mean.
    """
    kept = weights(tf.shape(images), operation, key, strength)
    share = tf.cast(tf.reduce_mean(kept, axis=(1, 2)), labels.dtype)[:, None]
    mixed = kept * images + (1.0 - kept) * tf.reverse(images, [0])
    return mixed, share * labels + (1.0 - share) * tf.reverse(labels, [0])


def weights(shape, operation: Operation, key, strength):
    """Draw the weight of each pixel: (batch, height, width) or (batch, 1, 1) float32."""
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
    """Draw from Beta(alpha, alpha): the share of the first of two gamma variables."""
    drawn = tf.random.stateless_gamma(tf.concat([[2], shape], axis=0), key, alpha)
    # Both underflow to 0 once in many millions for a small alpha.
    return tf.math.divide_no_nan(drawn[0], drawn[0] + drawn[1])
