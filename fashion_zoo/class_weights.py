"""Class weights: what an image of a class counts in the loss, by the numbers of training images.

Each word here makes a function from ``counts``, the (classes,) numbers of training images of each
class, all at least 1, to (classes,) float64 weights. An image whose label is mixed or smoothed
counts the mean of the weights, weighted by its label, so the sums below are of labels of one class.
"""

from collections.abc import Callable

import numpy as np

from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary

ClassWeights = Callable[[np.ndarray], np.ndarray]

WORDS: Vocabulary[ClassWeights] = Vocabulary(
    "class weight",
    example="effective(0.999)",
    finish=lambda made: made if callable(made) else None,
)


@WORDS.register
def none() -> ClassWeights:
    """1 for every class."""
    return lambda counts: np.ones(len(counts))


@WORDS.register
def balanced() -> ClassWeights:
    """``images / (classes * count)``: the images of each class count the same in all.

    The mean weight of a training image is 1. As ``class_weight="balanced"`` of scikit-learn.

    Reference: King & Zeng 2001, Political Analysis 9(2).
    """
    return lambda counts: counts.sum() / (len(counts) * counts)


@WORDS.register
def effective(beta: float = 0.9999) -> ClassWeights:
    """``(1 - beta) / (1 - beta ** count)``, the inverse effective number, scaled to a mean of 1.

    The mean is that of the classes. ``beta=0`` weights all classes the same, and a ``beta`` close
    to 1 by their inverse frequency.

    Reference: Cui et al. 2019, arXiv:1901.05555, section 4.
    """
    checks.fraction("beta", beta)

    def weights(counts: np.ndarray) -> np.ndarray:
        inverse = (1 - beta) / (1 - beta ** counts.astype(float))
        return inverse / inverse.mean()

    return weights
