"""Clippings of the gradient: limits on what one update gets, before the optimizer sees it.

``g`` is the gradient of a weight array, ``w`` the array. The gradient is that of an update: without
the factor of loss scaling, and the mean over the batches that were accumulated.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary

_SMALLEST = 1e-3  # norm of a column; a smaller one counts as this (Brock et al., section 4.1)


@dataclasses.dataclass(frozen=True)
class Clipping:
    """A clipping with its own arguments, before it is part of an optimizer."""

    arguments: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """The argument of Keras's optimizers that does it."""
    clip: Callable[[Sequence[Any], Sequence[Any]], list[Any]] | None = None
    """If Keras has none: a function from the gradients and their variables, in the order of the
    layers, to the clipped gradients. It imports Keras when called."""

    @property
    def clips(self) -> bool:
        """Whether anything is clipped."""
        return bool(self.arguments) or self.clip is not None


WORDS: Vocabulary[Clipping] = Vocabulary(
    "clipping",
    example="global_norm(1)",
    finish=lambda made: made if isinstance(made, Clipping) else None,
)


NO_CLIPPING = Clipping()


@WORDS.register
def none() -> Clipping:
    """No clipping."""
    return NO_CLIPPING


@WORDS.register
def global_norm(limit: float = 1.0) -> Clipping:
    """``g min(1, limit / |all g|)``, with the norm over all weights together.

    Reference: Pascanu et al. 2013, arXiv:1211.5063, algorithm 1.
    """
    checks.positive("limit", limit)
    return Clipping({"global_clipnorm": float(limit)})


@WORDS.register
def norm(limit: float = 1.0) -> Clipping:
    """``g min(1, limit / |g|)``, for each weight array by itself."""
    checks.positive("limit", limit)
    return Clipping({"clipnorm": float(limit)})


@WORDS.register
def value(limit: float = 0.5) -> Clipping:
    """``g`` within ``-limit`` and ``limit``, for each entry by itself."""
    checks.positive("limit", limit)
    return Clipping({"clipvalue": float(limit)})


@WORDS.register
def adaptive(factor: float = 0.01) -> Clipping:
    """``g min(1, factor max(|w|, 0.001) / |g|)``, for each unit: a column of a kernel.

    A vector, such as a bias, is one unit. The layer that makes the logits is not clipped.

    Reference: Brock et al. 2021, arXiv:2102.06171, section 4.1.
    """
    checks.positive("factor", factor)

    def clip(gradients: Sequence[Any], variables: Sequence[Any]) -> list[Any]:
        kernels = [place for place, one in enumerate(variables) if len(one.shape) > 1]
        logits = kernels[-1] if kernels else len(variables)  # its bias comes after it
        pairs = zip(gradients, variables, strict=True)
        return [
            gradient if place >= logits else _within(gradient, variable, factor)
            for place, (gradient, variable) in enumerate(pairs)
        ]

    return Clipping(clip=clip)


def _within(gradient: Any, variable: Any, factor: float) -> Any:
    """Clip the gradient of each unit, which the last axis of a kernel counts."""
    import keras

    def norms(x: Any) -> Any:
        axes = tuple(range(max(len(x.shape) - 1, 1)))
        return keras.ops.sqrt(keras.ops.sum(keras.ops.square(x), axis=axes, keepdims=True))

    weights = norms(keras.ops.cast(variable, gradient.dtype))
    limit = factor * keras.ops.maximum(weights, _SMALLEST)
    found = norms(gradient)
    # Divided by the larger one, so that a gradient of 0 is no division by 0.
    return gradient * (limit / keras.ops.maximum(found, limit))
