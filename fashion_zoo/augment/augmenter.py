"""Augmentation of a batch by a policy."""

import itertools
from typing import NamedTuple

import tensorflow as tf

import fashion_zoo.augment.pixels as pixels
import fashion_zoo.augment.warps as warps
from fashion_zoo.augment.policies import Operation, Policy
from fashion_zoo.seeds import derive


class Strength(NamedTuple):
    """The strength of a policy at a step, each in [0, 1]; numbers or scalar tensors."""

    operations: tf.Tensor | float = 1.0
    """Multiplies the value that is named in the docstring of each operation."""
    mixing: tf.Tensor | float = 1.0
    """Multiplies the probability of mixing."""


FULL = Strength()


class Augmenter:
    """Apply a policy to batches. The same (seed, epoch, step) gives the same batch, bit for bit.

    Neighbouring operations that move pixels are one warp, interpolated once.

    Args:
        policy: the operations, as ``policies.parse`` returns them.
        seed: key of all random numbers.
    """

    def __init__(self, policy: Policy, seed: int):
        self.policy = policy
        self.seed = [derive(seed, "augmentation", word) for word in (0, 1)]

    def __call__(self, images, labels, epoch, step, strength: Strength = FULL):
        """Augment a batch.

        Args:
            images: (batch, height, width), any real dtype, values in 0..255.
            labels: (batch, classes) floating probabilities if the policy mixes; else anything,
                which is returned unchanged.
            epoch: number of the epoch, an int or a scalar integer tensor.
            step: number of the batch in the epoch, likewise.
            strength: the strength of the policy.

        Returns:
            Images, float32 in 0..255, and labels, of the same shapes.
        """
        images = tf.cast(images, tf.float32)
        key = tf.constant(self.seed, tf.int32)
        for number in (epoch, step):
            key = _fold_in(key, number)
        position = 0
        for kind, group in itertools.groupby(self.policy, _kind):
            operations = list(group)
            keys = [_fold_in(key, position + number) for number in range(len(operations))]
            position += len(operations)
            if kind == "warp":
                images = warps.warp(images, operations, keys, strength.operations)
            elif kind == "mix":
                images, labels = pixels.mix(images, labels, operations[0], keys[0], strength.mixing)
            else:
                for operation, own in zip(operations, keys, strict=True):
                    change = operation.change or getattr(pixels, operation.name)
                    images = change(images, own, strength.operations, **operation.values)
        return images, labels


def _kind(operation: Operation) -> str:
    if operation.mixes:
        return "mix"
    return "warp" if operation.name in warps.WARPS else "pixels"


def _fold_in(key, number):
    return tf.random.experimental.stateless_fold_in(key, tf.cast(number, tf.int32))
