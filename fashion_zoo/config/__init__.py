"""The settings: frozen dataclasses that check their values.

They hold all defaults. Command-line flags are made from them, a run stores them, and Python takes
the same names: ``training={"epochs": 5}``.
"""

from fashion_zoo.config.data import Color as Color, DataConfig as DataConfig
from fashion_zoo.config.distillation import DistillationConfig as DistillationConfig
from fashion_zoo.config.monitors import (
    EarlyStoppingConfig as EarlyStoppingConfig,
    Metric as Metric,
    Monitor as Monitor,
    PlateauConfig as PlateauConfig,
)
from fashion_zoo.config.overrides import override as override
from fashion_zoo.config.renames import RENAMED as RENAMED
from fashion_zoo.config.run import (
    Precision as Precision,
    RunConfig as RunConfig,
)
from fashion_zoo.config.search import (
    Cost as Cost,
    Objective as Objective,
    Pruner as Pruner,
    Sampler as Sampler,
    SearchConfig as SearchConfig,
)
from fashion_zoo.config.training import (
    AdaptiveDropoutConfig as AdaptiveDropoutConfig,
    SchedulesConfig as SchedulesConfig,
    TrainingConfig as TrainingConfig,
)
from fashion_zoo.config.weighting import WeightingConfig as WeightingConfig
