"""Operations that change pixels where they are: (batch, height, width) float32 in 0..255.

Each takes the images, the key of its random numbers, the strength and its own values. Keras's
layers do noise, brightness and contrast as fast and erasing half as fast (docs/speed.md), and none
of them can be keyed by a step or take a strength that moves.
"""

import math

import tensorflow as tf

RATIO = 3.3  # of the sides of a rectangle that is erased, at most


def erase(images, key, strength, p, low, high, fill):
    """Fill rectangles; see ``policies.erase``."""
    box = erase_box(tf.shape(images), key, p * strength, low, high)
    return tf.where(inside(tf.shape(images), box), tf.cast(fill, tf.float32), images)


def erase_box(shape, key, p, low, high):
    """Draw a rectangle an image: top, bottom, left, right, the ends excluded; (4, batch) float32.

    It lies inside the image; with probability 1 - p it is empty.
    """
    taken, area, ratio, y, x = tf.unstack(tf.random.stateless_uniform([5, shape[0]], key))
    height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
    area = (low + area * (high - low)) * height * width
    ratio = tf.exp((2.0 * ratio - 1.0) * math.log(RATIO))
    # A large area fits the image in few ratios; cutting the rectangle off would make it smaller.
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
    """Return which pixels lie in each image's rectangle, (batch, height, width) bool."""
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
