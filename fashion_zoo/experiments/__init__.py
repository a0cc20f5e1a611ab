"""Experiments: arms over several seeds, the table that compares them, and the page it stands on."""

from fashion_zoo.experiments import columns, page
from fashion_zoo.experiments.experiment import (
    METRICS,
    Arm,
    Experiment,
    Measured,
    seconds,
    test_accuracy,
    validation_accuracy,
)
from fashion_zoo.experiments.runner import run

__all__ = [
    "METRICS",
    "Arm",
    "Experiment",
    "Measured",
    "columns",
    "page",
    "run",
    "seconds",
    "test_accuracy",
    "validation_accuracy",
]
