"""Metrics of predictions: ``WORDS``, one per file."""

from fashion_zoo.evaluation.metrics._predictions import (
    WORDS as WORDS,
    Predictions as Predictions,
    measure as measure,
)
