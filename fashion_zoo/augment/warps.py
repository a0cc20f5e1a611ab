"""Operations that move pixels. Neighbours are composed, so that pixels are interpolated once.

A map takes the position of a pixel in the result to its position in the original, both relative to
the centre:

    x_original = a x + b y + c,  y_original = d x + e y + f

Interpolation is bilinear, and outside of the image is black.

Each map uses the fastest of three methods. CPU time for a batch of 512 on two cores of an AMD EPYC
with TensorFlow 2.21: 1.8 ms for two matrix products (flip, shift, translate, zoom), 6.9 ms for
TensorFlow's ImageProjectiveTransformV3 (rotate, shear), 11 ms for four gathers (elastic). The Keras
layers use the second for all but the flip, one after another.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from fashion_zoo.augment.policies import Operation


class Affine(NamedTuple):
    """A map per image; each field is a (batch,) float32 tensor or one number."""

    a: tf.Tensor | float = 1.0
    b: tf.Tensor | float = 0.0
    c: tf.Tensor | float = 0.0
    d: tf.Tensor | float = 0.0
    e: tf.Tensor | float = 1.0
    f: tf.Tensor | float = 0.0

    def after(self, first: "Affine") -> "Affine":
        """Return the composition: ``first``, then this map."""
        return Affine(
            self.a * first.a + self.b * first.d,
            self.a * first.b + self.b * first.e,
            self.a * first.c + self.b * first.f + self.c,
            self.d * first.a + self.e * first.d,
            self.d * first.b + self.e * first.e,
            self.d * first.c + self.e * first.f + self.f,
        )


def draw(operation: Operation, count: int | tf.Tensor, key, strength) -> Affine:
    """Draw a map for each of ``count`` images."""
    drawn = tf.unstack(tf.random.stateless_uniform([2, count], key, -1.0, 1.0))
    return _DRAWS[operation.name](drawn, strength, **operation.values)


def _flip(drawn, strength, p):
    flipped = (drawn[0] + 1.0) / 2.0 < p * strength
    return Affine(a=tf.where(flipped, -1.0, 1.0))


def _shift(drawn, strength, pixels):
    # Rounding gives each integer in -pixels..pixels the same probability.
    reach = tf.floor(tf.cast(pixels * strength, tf.float32))
    x, y = (tf.clip_by_value(tf.round(one * (reach + 0.5)), -reach, reach) for one in drawn)
    return Affine(c=x, f=y)


def _translate(drawn, strength, pixels):
    return Affine(c=drawn[0] * pixels * strength, f=drawn[1] * pixels * strength)


def _rotate(drawn, strength, degrees):
    angle = drawn[0] * math.radians(degrees) * strength
    return Affine(tf.cos(angle), -tf.sin(angle), 0.0, tf.sin(angle), tf.cos(angle))


def _zoom(drawn, strength, amount):
    scale = 1.0 / (1.0 + drawn[0] * amount * strength)
    return Affine(a=scale, e=scale)


def _shear(drawn, strength, degrees):
    return Affine(b=tf.tan(drawn[0] * math.radians(degrees) * strength))


_DRAWS: dict[str, Callable[..., Affine]] = {
    "flip": _flip,
    "shift": _shift,
    "translate": _translate,
    "rotate": _rotate,
    "zoom": _zoom,
    "shear": _shear,
}
_TURNING = ("rotate", "shear")
WARPS = (*_DRAWS, "elastic")


def warp(images, operations: Sequence[Operation], keys, strength):
    """Apply neighbouring operations to a (batch, height, width) float32 tensor."""
    affine, turning = Affine(), False
    for operation, key in zip(operations, keys, strict=True):
        if operation.name == "elastic":  # its field is defined at integer positions: it ends a warp
            field = displacement(tf.shape(images), key, strength, **operation.values)
            images = displaced(images, affine, field)
            affine, turning = Affine(), False
            continue
        affine = affine.after(draw(operation, tf.shape(images)[0], key, strength))
        turning = turning or operation.name in _TURNING
    if turning:
        return turned(images, affine)
    return images if operations[-1].name == "elastic" else stretched(images, affine)


def stretched(images, affine: Affine):
    """Map rows and columns separately, by two products with matrices of weights.

    Element (i, j) of a matrix, ``max(0, 1 - |position(i) - j|)``, is the weight of pixel j in i.
    """
    shape = tf.shape(images)
    if not _stays(affine.a, affine.c):
        columns = _weights(affine.a, affine.c, shape[0], shape[2])
        images = tf.matmul(images, columns, transpose_b=True)
    if not _stays(affine.e, affine.f):
        rows = _weights(affine.e, affine.f, shape[0], shape[1])
        images = tf.matmul(rows, images)
    return images


def _stays(scale, offset) -> bool:
    """Return whether a coordinate is not mapped, as the rows of a flip."""
    return isinstance(scale, float) and isinstance(offset, float) and (scale, offset) == (1.0, 0.0)


def _weights(scale, offset, count, size):
    places = tf.range(tf.cast(size, tf.float32))
    centre = (tf.cast(size, tf.float32) - 1.0) / 2.0
    scale, offset = (tf.broadcast_to(one, [count])[:, None] for one in (scale, offset))
    mapped = scale * (places - centre) + (offset + centre)
    return tf.nn.relu(1.0 - tf.abs(mapped[:, :, None] - places))


def turned(images, affine: Affine):
    """Map by TensorFlow's kernel for projections."""
    shape = tf.shape(images)
    y, x = ((tf.cast(size, tf.float32) - 1.0) / 2.0 for size in (shape[1], shape[2]))
    a, b, c, d, e, f = affine
    rows = (a, b, c + x - a * x - b * y, d, e, f + y - d * x - e * y, 0.0, 0.0)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images[..., None],
        transforms=tf.stack([tf.broadcast_to(one, shape[:1]) for one in rows], axis=1),
        output_shape=shape[1:],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )[..., 0]


def displacement(shape, key, strength, alpha: float, sigma: float):
    """Draw a smooth field: (2, batch, height, width) float32, x and y in pixels."""
    drawn = tf.random.stateless_uniform(tf.concat([[2], shape], axis=0), key, -1.0, 1.0)
    rows, columns = _gaussian(shape[1], sigma), _gaussian(shape[2], sigma)
    # Not matmul: broadcast over two axes, it corrupts memory in TensorFlow 2.21 on a CPU.
    smooth = tf.einsum("ij,abjk->abik", rows, tf.einsum("abij,kj->abik", drawn, columns))
    return alpha * strength * smooth


def _gaussian(size, sigma: float):
    """Return the (size, size) matrix of a Gaussian filter; outside of the image is 0."""
    offsets = tf.range(-4 * math.ceil(sigma), 4 * math.ceil(sigma) + 1, dtype=tf.float32)
    places = tf.range(tf.cast(size, tf.float32))
    total = tf.reduce_sum(tf.exp(-0.5 * (offsets / sigma) ** 2))
    return tf.exp(-0.5 * ((places[:, None] - places) / sigma) ** 2) / total


def displaced(images, affine: Affine, field):
    """Move each pixel by the field, then by an affine map, with four gathers."""
    shape = tf.shape(images)
    height, width = shape[1], shape[2]
    centre_y, centre_x = ((tf.cast(size, tf.float32) - 1.0) / 2.0 for size in (height, width))
    x = field[0] + (tf.range(tf.cast(width, tf.float32)) - centre_x)
    y = field[1] + (tf.range(tf.cast(height, tf.float32)) - centre_y)[:, None]
    a, b, c, d, e, f = (tf.reshape(one, [-1, 1, 1]) for one in affine)
    # A black border, one pixel at the start and two at the end, represents all that is outside.
    x, y = (
        tf.clip_by_value(place + centre, -1.0, tf.cast(size, tf.float32)) + 1.0
        for place, centre, size in (
            (a * x + b * y + c, centre_x, width),
            (d * x + e * y + f, centre_y, height),
        )
    )
    left, top = tf.floor(x), tf.floor(y)
    wide = width + 3
    flat = tf.reshape(tf.pad(images, [[0, 0], [1, 2], [1, 2]]), [-1])
    first = tf.cast(top, tf.int32) * wide + tf.cast(left, tf.int32)
    first += (tf.range(shape[0]) * (height + 3) * wide)[:, None, None]
    upper, lower = (
        tf.gather(flat, first + row) * (1.0 - (x - left))
        + tf.gather(flat, first + row + 1) * (x - left)
        for row in (0, wide)
    )
    return upper + (lower - upper) * (y - top)
