"""The Brier score."""

import numpy as np

from fashion_zoo.evaluation.metrics import WORDS, Predictions


@WORDS.register
def brier(found: Predictions) -> float:
    """Brier: squared distance of the probabilities to the one-hot label, 0..2 (Brier 1950)."""
    one_hot = np.eye(len(found.class_names))[found.labels]
    return float(((found.probabilities - one_hot) ** 2).sum(axis=1).mean())
