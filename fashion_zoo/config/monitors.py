"""Settings of what a training does when a validation metric no longer improves."""

import dataclasses
from typing import Annotated, Literal

from fashion_zoo.config.switches import Switched
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import check_settings

Metric = Literal["balanced_accuracy", "worst_recall"]
Logged = Literal[Metric, "gradient_norm", "zero_gradients"]
Monitor = Literal["none", "accuracy", "loss", Metric]


@dataclasses.dataclass(frozen=True)
class EarlyStoppingConfig(Switched):
    """When to stop before the last epoch. The best weights are restored at the end."""

    switch = ("monitor", "none", "accuracy")
    apart = ("budget",)

    monitor: Monitor = "none"
    """Validation metric that must improve; none does not stop early."""
    patience: Annotated[int, checks.at_least(1)] = 5
    """Epochs without improvement before training stops."""
    min_delta: Annotated[float, checks.not_negative] = 0.0
    """Smallest change that counts as an improvement, of the accuracy (a fraction) or the loss."""
    significant: Annotated[bool, checks.flag] = False
    """Count only an accuracy above the 95 % interval of the last one that counted."""
    budget: Annotated[float | None, checks.positive] = None
    """Seconds of training, over all resumptions; an epoch that would exceed them is not begun."""

    def __post_init__(self) -> None:
        check_settings(self, "early_stopping.")
        if self.significant and self.monitor != "accuracy":
            raise ConfigError(
                "early_stopping.significant needs monitor 'accuracy', whose interval is known; "
                f"received {self.monitor!r}."
            )

    @property
    def decisive(self) -> str:
        """The validation metric by which weights are compared: ``monitor``, or the accuracy."""
        return "accuracy" if self.monitor == "none" else self.monitor


@dataclasses.dataclass(frozen=True)
class PlateauConfig(Switched):
    """A learning rate that falls whenever a validation metric no longer improves."""

    switch = ("monitor", "none", "loss")

    monitor: Monitor = "none"
    """Validation metric that must improve; none does not lower the rate."""
    factor: Annotated[float, checks.share] = 0.1
    """Factor of the learning rate each time."""
    patience: Annotated[int, checks.at_least(1)] = 3
    """Epochs without improvement before the rate is lowered."""
    min_delta: Annotated[float, checks.not_negative] = 0.0
    """Smallest change that counts as an improvement, of the accuracy (a fraction) or the loss."""
    lowest: Annotated[float, checks.share] = 1e-3
    """Smallest product of all factors."""

    def __post_init__(self) -> None:
        check_settings(self, "plateau.")
