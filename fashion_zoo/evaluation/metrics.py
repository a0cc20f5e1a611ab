"""Metrics of predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fashion_zoo.evaluation.statistics import Interval, wilson

_BINS = 15  # Guo et al. 2017


def measure(logits: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Measure predictions.

    Args:
        logits: (n, classes) float64; probabilities are their softmax. The negative log-likelihood
            is computed from the logits, because a probability that is rounded to 0 has none.
        labels: (n,) integers.
        class_names: name of each class.

    Returns:
        A dictionary ready for JSON: ``images``, ``accuracy`` with ``low`` and ``high`` (Wilson,
        95 %), ``nll`` (nats), ``brier`` (0..2, summed over classes), ``ece`` (15 bins) with its
        ``bins``, precision, recall and F1 a class, and the confusion matrix (true class down).

    References: Brier 1950 for the score; Guo et al. 2017, arXiv:1706.04599, for ECE.
    """
    from scipy.special import log_softmax, softmax
    from sklearn import metrics

    probabilities = softmax(logits, axis=1)
    likelihoods = log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    classes = np.arange(len(class_names))
    predicted = probabilities.argmax(axis=1)
    correct = int((predicted == labels).sum())
    interval = wilson(correct, len(labels))
    bins = confidence_bins(probabilities.max(axis=1), predicted == labels)
    one_hot = np.eye(len(class_names))[labels]
    by_class = metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )
    return {
        "images": len(labels),
        "accuracy": {"value": correct / len(labels), "low": interval.low, "high": interval.high},
        "nll": float(-likelihoods.mean()),
        "brier": float(((probabilities - one_hot) ** 2).sum(axis=1).mean()),
        "ece": calibration_error(bins),
        "bins": bins,
        "classes": [
            {
                "name": name,
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "images": int(count),
            }
            for name, precision, recall, f1, count in zip(class_names, *by_class, strict=True)
        ],
        "confusion": metrics.confusion_matrix(labels, predicted, labels=classes).tolist(),
    }


def confidence_bins(confidence: np.ndarray, correct: np.ndarray) -> list[dict[str, float]]:
    """Sort predictions into 15 bins of equal width by confidence.

    Args:
        confidence: (n,) probability of the predicted class, in (0, 1].
        correct: (n,) bool.

    Returns:
        For each bin its ``low`` and ``high`` edge, ``count``, mean ``confidence``, ``accuracy``
        (0 where the bin is empty), and the accuracy's 95 % interval (Wilson; 0 to 1 where the bin
        is empty), ``accuracy_low`` and ``accuracy_high``. A bin holds its upper edge, not its
        lower.
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


def calibration_error(bins: Sequence[dict[str, float]]) -> float:
    """Return the expected calibration error, a fraction.

    ECE = sum over bins of count / n * |accuracy - confidence|
    """
    total = sum(entry["count"] for entry in bins)
    return (
        sum(entry["count"] * abs(entry["accuracy"] - entry["confidence"]) for entry in bins) / total
    )
