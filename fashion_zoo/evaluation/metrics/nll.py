"""Negative log-likelihood."""

import numpy as np

from fashion_zoo.evaluation.metrics import WORDS, Predictions


@WORDS.register
def nll(found: Predictions) -> float:
    """NLL: mean negative log-likelihood, nats."""
    from scipy.special import log_softmax

    likelihoods = log_softmax(found.logits, axis=1)
    return float(-likelihoods[np.arange(len(found.labels)), found.labels].mean())
