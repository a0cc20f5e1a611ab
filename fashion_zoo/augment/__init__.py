"""Augmentation of whole batches inside tf.data, keyed by (seed, epoch, step)."""

from fashion_zoo.augment.augmenter import Augmenter, Strength

__all__ = ["Augmenter", "Strength"]
