"""The vocabulary of optimizers, and the value of a word, which loads no framework."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """An optimizer with its own arguments, before it is built for a training."""

    make: "Callable[..., keras.optimizers.Optimizer]"
    """Takes ``learning_rate``, what Keras's optimizers take to clip and accumulate gradients and,
    if it decays weights, ``weight_decay``: a number, or a ``TabulatedSchedule`` if a schedule moves
    it. If a schedule moves the momentum, it takes ``momentum`` as well, a ``TabulatedSchedule``. It
    imports Keras when called."""
    decays: bool = False
    """Whether it has decoupled weight decay."""
    momentum: float = 0.0
    """Its momentum, in [0, 1); 0 if it has none that a schedule can move."""
    second_weights: Literal["none", "slow", "average"] = "none"
    """What it keeps beside the weights that gradients are computed at: slow weights, to which it
    returns, or an average, which is validated."""


WORDS: Vocabulary[Optimizer] = Vocabulary(
    "optimizer",
    package="fashion_zoo.optimizers",
    example="sgd(momentum=0.95)",
    finish=lambda made: made if isinstance(made, Optimizer) else None,
)
