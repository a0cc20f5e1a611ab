"""Metrics of predictions: ``WORDS``, one a file."""

from fashion_zoo.evaluation.metrics._predictions import WORDS, Predictions, measure

__all__ = ["WORDS", "Predictions", "measure"]
