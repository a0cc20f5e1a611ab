"""Calibration: confidence against accuracy."""

import numpy as np

from fashion_zoo.evaluation.metrics import WORDS, Predictions
from fashion_zoo.evaluation.statistics import Interval, wilson

_BINS = 15  # Guo et al. 2017


@WORDS.register
def bins(found: Predictions) -> list[dict[str, float]]:
    """Predictions by the confidence of the predicted class."""
    return confidence_bins(found.probabilities.max(axis=1), found.predicted == found.labels)


@WORDS.register
def ece(found: Predictions) -> float:
    """ECE: expected calibration error, the mean of |accuracy - confidence| over bins by count.

    Reference: Guo et al. 2017, arXiv:1706.04599.
    """
    errors = (one["count"] * abs(one["accuracy"] - one["confidence"]) for one in bins(found))
    return sum(errors) / len(found.labels)


def confidence_bins(confidence: np.ndarray, correct: np.ndarray) -> list[dict[str, float]]:
    """Sort predictions into 15 bins of equal width by confidence, each with its upper edge.

    The accuracy has its 95 % interval (Wilson). An empty bin has confidence and accuracy 0.
    """
    place = np.clip(np.ceil(confidence * _BINS).astype(int) - 1, 0, _BINS - 1)
    bins = []
    for number in range(_BINS):
        inside = place == number
        count = int(inside.sum())
        ends = wilson(int(correct[inside].sum()), count) if count else Interval(0.0, 1.0)
        bins.append(
            {
                "low": number / _BINS,
                "high": (number + 1) / _BINS,
                "count": count,
                "confidence": float(confidence[inside].mean()) if count else 0.0,
                "accuracy": float(correct[inside].mean()) if count else 0.0,
                "accuracy_low": ends.low,
                "accuracy_high": ends.high,
            }
        )
    return bins
