"""What is computed of the members' predictions for the validation images, in numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fashion_zoo.evaluation.predict import logits_of


def predicted(model: Any, images: np.ndarray) -> np.ndarray:
    """Return the (images, classes) float64 log-probabilities that a model predicts."""
    from scipy.special import log_softmax

    return log_softmax(logits_of(model, images), axis=1)


def log_mean(log_probabilities: np.ndarray, weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the logarithm of a weighted mean of probabilities.

    Args:
        log_probabilities: (members, images, classes) float64.
        weights: (members,) that sum to 1; members of weight 0 have no part.

    Returns:
        (images, classes) float64.
    """
    from scipy.special import logsumexp

    factors = np.asarray(weights, "float64")
    used = factors > 0
    return logsumexp(log_probabilities[used], axis=0, b=factors[used, None, None])


def score(log_probabilities: np.ndarray, labels: np.ndarray) -> tuple[int, float]:
    """Return what is larger the better: correct images, and of equals the log-likelihood.

    Args:
        log_probabilities: (images, classes) float64.
        labels: (images,) integers.
    """
    correct = int((log_probabilities.argmax(axis=1) == labels).sum())
    return correct, float(log_probabilities[np.arange(len(labels)), labels].mean())


def greedy_counts(log_probabilities: np.ndarray, labels: np.ndarray, size: int) -> np.ndarray:
    """Return how often each member is chosen, (members,) integers.

    Members are added one by one, with replacement, each time the one with which the mean of the
    probabilities scores best; after ``size`` of them, the first ones that scored best are kept.

    Reference: Caruana et al. 2004, Ensemble selection from libraries of models,
    doi:10.1145/1015330.1015432.
    """
    probabilities = np.exp(log_probabilities)
    total, chosen, scores = np.zeros_like(probabilities[0]), [], []
    for step in range(1, size + 1):
        means = [(total + one) / step for one in probabilities]
        found = [score(_log(mean), labels) for mean in means]
        best = max(range(len(found)), key=found.__getitem__)
        total = total + probabilities[best]
        chosen.append(best)
        scores.append(found[best])
    length = 1 + max(range(size), key=scores.__getitem__)
    return np.bincount(chosen[:length], minlength=len(probabilities))


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, np.finfo("float64").tiny))
