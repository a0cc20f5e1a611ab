"""The settings of the images and of a whole training."""

import dataclasses
import os
from typing import Annotated, Any, Literal

from fashion_zoo.config.training import TrainingConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Words, check_settings
from fashion_zoo.storage import absolute

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"]


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """The source of the images."""

    dataset: Annotated[str, Words("fashion_zoo.data.sources")] = "fashion_mnist"
    """The data set: its word, with arguments if it takes some."""
    folder: str | None = None
    """Folder of the published files, made absolute; by default the files in this package."""
    limit: Annotated[int | None, checks.at_least(1)] = None
    """Train on a stratified slice of this many images only, at least one of each class; validation
    and test stay whole."""

    def __post_init__(self) -> None:
        check_settings(self, "data.")
        if self.folder is not None:
            if not isinstance(self.folder, str | os.PathLike):
                raise ConfigError(f"data.folder must be a path, received {self.folder!r}.")
            object.__setattr__(self, "folder", str(absolute(self.folder)))


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
