"""Callbacks. They write at the start of an epoch only and log what they applied."""

from fashion_zoo.callbacks.display import ProgressDisplay
from fashion_zoo.callbacks.divergence import StopOnDivergence
from fashion_zoo.callbacks.interruption import StopOnInterrupt
from fashion_zoo.callbacks.schedules import DropoutScheduler, LearningRateLogger

__all__ = [
    "DropoutScheduler",
    "LearningRateLogger",
    "ProgressDisplay",
    "StopOnDivergence",
    "StopOnInterrupt",
]
