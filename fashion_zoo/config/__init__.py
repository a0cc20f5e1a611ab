"""The settings: frozen dataclasses that check themselves.

They are the single source of defaults. Command-line flags are made from them, a run stores
them, and Python takes the same names: ``training={"epochs": 5}``.
"""

from fashion_zoo.config.data import DataConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.config.run import Precision, RunConfig
from fashion_zoo.config.search import Cost, Pruner, Sampler, SearchConfig
from fashion_zoo.config.training import (
    AdaptiveDropoutConfig,
    EarlyStoppingConfig,
    Monitor,
    SchedulesConfig,
    TrainingConfig,
)

__all__ = [
    "AdaptiveDropoutConfig",
    "Cost",
    "DataConfig",
    "EarlyStoppingConfig",
    "Monitor",
    "Precision",
    "Pruner",
    "RunConfig",
    "Sampler",
    "SchedulesConfig",
    "SearchConfig",
    "TrainingConfig",
    "override",
]
