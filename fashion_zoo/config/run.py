"""The settings of a whole training."""

import dataclasses
from typing import Annotated, Any, Literal

from fashion_zoo.config.data import DataConfig
from fashion_zoo.config.training import TrainingConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import check_settings

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"]


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """The settings of a training, which a run stores."""

    model: Any
    """The model: the config dataclass of its family."""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    """The data."""
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    """The training."""
    seed: Annotated[int, checks.at_least(0, 2**63 - 1)] = 0
    """Seed of everything random: initialization, order of images, dropout, augmentation."""
    precision: Precision = "float32"
    """Dtype policy of the layers; auto chooses one that the device multiplies natively."""

    def __post_init__(self) -> None:
        if not dataclasses.is_dataclass(self.model):
            raise ConfigError(f"model must be a config dataclass, received {self.model!r}.")
        check_settings(self, of=RunConfig)  # commands add options that are checked later
