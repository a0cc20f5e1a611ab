"""Callbacks. They write at the start of an epoch only and log what they applied.

Those that have ``state()`` and ``restore(state)`` go on where a killed training stopped.
"""

from fashion_zoo.callbacks.dropout import AdaptiveDropout, DropoutScheduler
from fashion_zoo.callbacks.given import check_callbacks
from fashion_zoo.callbacks.interruption import StopOnInterrupt
from fashion_zoo.callbacks.reporting import OptimizerLogger, ProgressDisplay
from fashion_zoo.callbacks.stopping import EarlyStopping, StopOnDivergence, TimeBudget

__all__ = [
    "AdaptiveDropout",
    "DropoutScheduler",
    "EarlyStopping",
    "OptimizerLogger",
    "ProgressDisplay",
    "StopOnDivergence",
    "StopOnInterrupt",
    "TimeBudget",
    "check_callbacks",
]
