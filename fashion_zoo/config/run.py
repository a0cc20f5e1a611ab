"""Everything that one training is made from."""

import dataclasses
from typing import Any, Literal

from fashion_zoo.config.data import DataConfig
from fashion_zoo.config.training import TrainingConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"]


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Everything that one training is made from, and that a run stores."""

    model: Any
    """The model: the config dataclass of its family."""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    """The data."""
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    """The training."""
    seed: int = 0
    """Key of everything random: initialization, order of images, dropout, augmentation."""
    precision: Precision = "float32"
    """Dtype policy of the layers; auto takes what the device multiplies natively."""

    def __post_init__(self) -> None:
        if not dataclasses.is_dataclass(self.model):
            raise ConfigError(f"model must be a config dataclass, received {self.model!r}.")
        checks.section("data", self.data, DataConfig)
        checks.section("training", self.training, TrainingConfig)
        checks.whole("seed", self.seed, 0, 2**63 - 1)
        checks.choice("precision", self.precision, Precision)
