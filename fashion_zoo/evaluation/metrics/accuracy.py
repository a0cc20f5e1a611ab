"""Accuracy."""

from fashion_zoo.evaluation.metrics import WORDS, Predictions
from fashion_zoo.evaluation.statistics import wilson


@WORDS.register
def accuracy(found: Predictions) -> dict[str, float]:
    """Fraction of images whose class was predicted, with its 95 % interval (Wilson)."""
    correct, images = int((found.predicted == found.labels).sum()), len(found.labels)
    interval = wilson(correct, images)
    return {"value": correct / images, "low": interval.low, "high": interval.high}
