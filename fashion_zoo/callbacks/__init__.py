"""Callbacks. They write at the start of an epoch only and log what they applied.

The state of those with ``state()`` and ``restore(state)`` is kept in checkpoints.
"""

from fashion_zoo.callbacks.averaging import AverageWeights as AverageWeights
from fashion_zoo.callbacks.dropout import (
    AdaptiveDropout as AdaptiveDropout,
    DropoutScheduler as DropoutScheduler,
)
from fashion_zoo.callbacks.gradients import (
    GradientLogger as GradientLogger,
    LossScaleLogger as LossScaleLogger,
)
from fashion_zoo.callbacks.plateau import ReduceOnPlateau as ReduceOnPlateau
from fashion_zoo.callbacks.reporting import (
    OptimizerLogger as OptimizerLogger,
    ProgressDisplay as ProgressDisplay,
    check_callbacks as check_callbacks,
)
from fashion_zoo.callbacks.schedule_free import ScheduleFreeWeights as ScheduleFreeWeights
from fashion_zoo.callbacks.stopping import (
    EarlyStopping as EarlyStopping,
    StopOnDivergence as StopOnDivergence,
    StopOnInterrupt as StopOnInterrupt,
    TimeBudget as TimeBudget,
)
