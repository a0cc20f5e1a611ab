"""Statistics of batch normalization, computed anew for weights that no training step led to."""

from collections.abc import Iterable
from typing import Any

import keras

from fashion_zoo.layers.kernels import SpectralDense


def renew_statistics(model: keras.Model, batches: Iterable[Any]) -> None:
    """Set the statistics of batch normalization to their means over training batches.

    Those of other weights do not fit, whatever their average (Izmailov et al. 2018,
    arXiv:1803.05407, section 3.2). The singular vectors of spectral kernels follow in the same
    batches. A model without such layers is left alone, and its batches are not read.

    Args:
        model: the model, whose trainable weights stay.
        batches: (batch, *shape) images in 0..255, each batch as a training step takes it.
    """
    moving = keras.layers.BatchNormalization | SpectralDense
    changed = [one for one in model._flatten_layers() if isinstance(one, moving)]
    if not changed:
        return
    layers = [one for one in changed if isinstance(one, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    try:
        for number, images in enumerate(batches):
            for layer in layers:
                layer.momentum = number / (number + 1)
            model(images, training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
