"""Losses of a training step: functions from the logits to the loss that each label would have.

With mixed or smoothed labels the loss of an image is the mean of these, weighted by its label:

    loss = sum_c label_c * each_c(logits)

which is how mixup defines it (Zhang et al. 2018, arXiv:1710.09412). ``p`` is the softmax of the
logits. Validation always measures plain cross-entropy, so that trainings with different losses
compare.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class Loss:
    """A loss with its own arguments, before it is built for a training."""

    each: Callable[[Any, Any], Any]
    """``each(logits, log_prior)`` of float32 tensors, (batch, classes) and (classes,), returns
    (batch, classes) losses. It imports Keras when called."""
    uses_prior: bool = False
    """Whether it corrects for the class frequencies of the training images, by ``log_prior``, the
    logarithms of their fractions; without, ``log_prior`` is None."""


WORDS: Vocabulary[Loss] = Vocabulary(
    "loss", example="focal(2)", finish=lambda made: made if isinstance(made, Loss) else None
)


def _cross_entropy(logits: Any, log_prior: Any = None) -> Any:
    import keras

    return -keras.ops.log_softmax(logits, axis=-1)


def divergence(teacher: Any, logits: Any, temperature: float = 1.0) -> Any:
    """Return how far the probabilities of a student are from those of its teacher, (batch,).

        p = softmax(teacher / T)    q = softmax(logits / T)
        T^2 * KL(p || q) = T^2 * sum_c p_c (log p_c - log q_c)

    Its gradient by a logit is ``T (q_c - p_c)``. At a high temperature the probabilities differ by
    about a T-th of the logits' differences, so that this hardly depends on T: without the factor
    it would vanish as 1 / T^2, and the share of the teacher in a loss would depend on T.

    Args:
        teacher: (batch, classes) float32 logits of the teacher.
        logits: (batch, classes) float32 logits of the student.
        temperature: T, above 0.

    Reference: Hinton, Vinyals & Dean 2015, arXiv:1503.02531, section 2.
    """
    import keras

    expected = keras.ops.log_softmax(teacher / temperature, axis=-1)
    found = keras.ops.log_softmax(logits / temperature, axis=-1)
    return temperature**2 * keras.ops.sum(keras.ops.exp(expected) * (expected - found), axis=-1)


CROSS_ENTROPY = Loss(_cross_entropy)
"""Plain cross-entropy, for which a training uses Keras's own loss."""


@WORDS.register
def cross_entropy() -> Loss:
    """``-log p``."""
    return CROSS_ENTROPY


@WORDS.register
def focal(gamma: float = 2.0) -> Loss:
    """``-(1 - p) ** gamma log p``: images that are easy count less; ``gamma=0`` is cross-entropy.

    Reference: Lin et al. 2017, arXiv:1708.02002, equation 4.
    """
    checks.not_negative("gamma", gamma)

    def each(logits: Any, log_prior: Any = None) -> Any:
        import keras

        likelihoods = keras.ops.log_softmax(logits, axis=-1)
        # The gradient of a power below 1 is infinite at 0, where p rounds to 1.
        missing = keras.ops.maximum(1 - keras.ops.exp(likelihoods), 1e-7)
        return -(missing**gamma) * likelihoods

    return Loss(each)


@WORDS.register
def logit_adjusted(tau: float = 1.0) -> Loss:
    """Cross-entropy of ``logits + tau log(prior)``, which favours frequent classes in training.

    The logits themselves, which predict, then favour no class: at ``tau=1`` the most probable one
    has the highest likelihood, whatever its frequency.

    Reference: Menon et al. 2021, arXiv:2007.07314, equation 10.
    """
    checks.positive("tau", tau)
    return Loss(lambda logits, log_prior: _cross_entropy(logits + tau * log_prior), uses_prior=True)
