"""Everything that one training is made from."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

from fashion_zoo.config.data import DataConfig
from fashion_zoo.config.training import TrainingConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.wording import counted

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


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A registered entry of the zoo."""

    name: str
    """The name of the builder function."""
    builder: Callable[..., Any]
    """``builder(config, *, seed, dtype)`` returns a functional ``keras.Model``."""
    config: RunConfig
    """The defaults."""
    summary: str
    """One line: the idea."""
    reference: str
    """The paper or the textbook."""
    parameters: int
    """Trainable parameters with the defaults."""
    tags: tuple[str, ...] = ()
    """What ``find(tag=...)`` looks for."""
    space: Any = None
    """What a search may change: a space of ``fashion_zoo.spaces``."""

    def __repr__(self) -> str:
        training = self.config.training
        return "\n".join(
            [
                f"{self.name}: {self.summary}",
                f"{counted(self.parameters, 'trainable parameter')}; "
                f"{counted(training.epochs, 'epoch')}, {counted(training.batch_size, 'image')} a "
                f"batch, {training.optimizer} at {training.learning_rate:g}",
                self.reference or "no reference",
            ]
        )
