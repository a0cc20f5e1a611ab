"""Normalizations of the units of a layer: x is (batch, units), gamma and beta one number per unit.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta

They differ in what mean and variance are taken over.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fashion_zoo.activations import keras_layer
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    import keras

_EPSILON = 1e-5  # Keras's 1e-3 is not small relative to the variance of some units


@dataclasses.dataclass(frozen=True)
class Normalization:
    """A normalization with its own arguments, before it is a layer."""

    name: str
    """Layers are named after it: ``batch_norm_1``."""
    make: "Callable[..., keras.layers.Layer] | None"
    """Takes ``name`` and ``dtype``. It imports Keras when called. None adds no layer."""
    centers: bool = False
    """Whether it subtracts the mean of each unit, so that a bias before it has no effect."""
    divisor: int = 1
    """Divides every width; above 1, into groups of at least 2 units."""


WORDS: Vocabulary[Normalization] = Vocabulary(
    "normalization",
    example="batch(momentum=0.9)",
    finish=lambda made: made if isinstance(made, Normalization) else None,
)


@WORDS.register
def none() -> Normalization:
    """No normalization."""
    return Normalization("none", None)


@WORDS.register
def batch(momentum: float = 0.9, epsilon: float = _EPSILON) -> Normalization:
    """Over the images of a batch, for each unit; in prediction, running means of both.

    A step moves a running mean by ``1 - momentum`` of the way to that of its batch: 0.9 here and in
    Keras is 0.1 in PyTorch. A run has a few thousand steps, for which 0.99 would lag behind.

    Reference: Ioffe & Szegedy 2015, arXiv:1502.03167.
    """
    checks.fraction("momentum", momentum)
    checks.positive("epsilon", epsilon)

    def make(**given: Any) -> "keras.layers.Layer":
        from fashion_zoo.layers import BatchNormalization

        return BatchNormalization(momentum=momentum, epsilon=epsilon, **given)

    return Normalization("batch", make, centers=True)


@WORDS.register
def layer(epsilon: float = _EPSILON) -> Normalization:
    """Over the units, for each image.

    Reference: Ba et al. 2016, arXiv:1607.06450.
    """
    checks.positive("epsilon", epsilon)
    return Normalization("layer", keras_layer("LayerNormalization", epsilon=epsilon))


@WORDS.register
def group(groups: int = 32, epsilon: float = _EPSILON) -> Normalization:
    """Over each of so many groups of units, for each image; each has at least 2 units.

    Reference: Wu & He 2018, arXiv:1803.08494.
    """
    checks.whole("groups", groups, 1)
    checks.positive("epsilon", epsilon)
    make = keras_layer("GroupNormalization", groups=groups, epsilon=epsilon)
    return Normalization("group", make, divisor=groups)


@WORDS.register
def rms(epsilon: float = _EPSILON) -> Normalization:
    """``gamma x / sqrt(mean(x ** 2) + epsilon)``, over the units, for each image.

    Reference: Zhang & Sennrich 2019, arXiv:1910.07467.
    """
    checks.positive("epsilon", epsilon)
    return Normalization("rms", keras_layer("RMSNormalization", epsilon=epsilon))


@WORDS.register
def instance() -> Normalization:
    """Refused for vectors, of which it would make zeros.

    Reference: Ulyanov et al. 2016, arXiv:1607.08022.
    """
    raise ConfigError(
        "instance normalization takes the mean of each channel of an image over its places, and a "
        "vector has one place: every value minus its own mean is 0. Take 'layer', whose mean is "
        "over the units."
    )
