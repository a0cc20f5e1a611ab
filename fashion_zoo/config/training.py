"""The settings of a training."""

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast, get_args

from fashion_zoo.config import corrections, live
from fashion_zoo.config.distillation import DistillationConfig
from fashion_zoo.config.monitors import EarlyStoppingConfig, Logged, Metric, PlateauConfig
from fashion_zoo.config.renames import answering
from fashion_zoo.config.switches import Switched
from fashion_zoo.config.weighting import WeightingConfig
from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Words, check_settings
from fashion_zoo.language.wording import counted

AUGMENTATION = Words("fashion_zoo.augment.policies")
AVERAGING = Words("fashion_zoo.averaging")
CLIPPING = Words("fashion_zoo.clippings")
CLASS_WEIGHT = Words("fashion_zoo.class_weights")
LOSS = Words("fashion_zoo.losses")
OPTIMIZER = Words("fashion_zoo.optimizers")
Schedule = Annotated[str, Words("fashion_zoo.schedules")]
Sampling = Literal["shuffle", "balanced", "bootstrap"]


@dataclasses.dataclass(frozen=True)
class SchedulesConfig:
    """Schedules of base values, such as cosine(1, 0.01) or warmup(0.05) >> linear."""

    learning_rate: Schedule = "one_cycle"
    """Factor of the learning rate, per step."""
    weight_decay: Schedule = "constant"
    """Factor of the weight decay, per step."""
    momentum: Schedule = "constant"
    """Factor of the momentum of the optimizer, which Adam calls beta_1, per step."""
    label_smoothing: Schedule = "constant"
    """Factor of the label smoothing, per step."""
    dropout: Schedule = "constant"
    """Factor of every dropout rate, per epoch or step as in dropout_each."""
    dropout_each: Literal["epoch", "step"] = "epoch"
    """Whether the dropout rates move per epoch or per step."""
    augmentation: Schedule = "constant"
    """Strength of the augmentation, in 0..1, per step."""
    mixing: Schedule = "constant"
    """Factor of the probability of mixing, in 0..1, per step; step(0, at=[0.8]) ends it."""

    def __post_init__(self) -> None:
        check_settings(self, "schedules.")


@dataclasses.dataclass(frozen=True)
class AdaptiveDropoutConfig(Switched):
    """Dropout that follows the gap between validation and training loss."""

    switch = ("enabled", False, True)

    enabled: Annotated[bool, checks.flag] = False
    """Whether the gap moves the dropout rates; their schedule must then be constant."""
    target: float = 0.05
    """Target of the gap, validation loss minus training loss."""
    gain: Annotated[float, checks.positive] = 1.0
    """Speed: an epoch multiplies the rates by exp(gain x (gap - target)), within exp(-0.2) and
    exp(0.2)."""
    lowest: Annotated[float, checks.positive] = 0.25
    """Smallest factor of the base rates."""
    highest: Annotated[float, checks.positive] = 4.0
    """Largest factor of the base rates; no rate exceeds 0.9."""

    def __post_init__(self) -> None:
        check_settings(self, "adaptive_dropout.")
        checks.number("adaptive_dropout.target", self.target, "a number", lambda _: True)
        if not self.lowest <= 1 <= self.highest:
            raise ConfigError(
                "adaptive_dropout.lowest must be at most 1 and highest at least 1, received "
                f"{self.lowest!r} and {self.highest!r}."
            )


@answering
@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training."""

    epochs: Annotated[int, checks.at_least(1)] = 20
    """Number of passes over the training images."""
    batch_size: Annotated[int, checks.at_least(1)] = 256
    """Images per step. The last batch of an epoch is left out if it is not full."""
    accumulation: Annotated[int, checks.at_least(1)] = 1
    """Steps whose mean gradient makes one update, of batch_size x accumulation images; an epoch has
    whole updates only."""
    optimizer: Annotated[str, OPTIMIZER] = "adam"
    """Optimizer, which may have arguments: sgd(momentum=0.95)."""
    learning_rate: Annotated[float, checks.positive] = 1e-3
    """Base learning rate, the largest of a one_cycle schedule."""
    weight_decay: Annotated[float, checks.not_negative] = 0.0
    """Decoupled weight decay of the kernels, per step and times the learning rate, if the optimizer
    has it."""
    clipping: Annotated[str, CLIPPING] = "none"
    """Clipping of the gradient, such as global_norm(1) or adaptive(0.01)."""
    checkpointing: Annotated[bool, checks.flag] = False
    """Save memory: compute activations again in the backward pass, not keep them."""
    label_smoothing: Annotated[float, checks.fraction] = 0.0
    """Fraction of each label spread evenly over all classes."""
    loss: Annotated[str, LOSS] = "cross_entropy"
    """Loss of a training step, such as focal(2); the validation loss is always cross-entropy."""
    class_weight: Annotated[str, CLASS_WEIGHT] = "none"
    """Weight of each class in the loss, by its number of training images."""
    sampling: Sampling = "shuffle"
    """How an epoch is drawn: every image once, every class equally often, or the images of one
    bootstrap sample, which is as large and the same in each epoch."""
    metrics: tuple[Logged, ...] = ()
    """Metrics in history.csv beside accuracy and loss."""
    augmentation: Annotated[str, AUGMENTATION] = "none"
    """Augmentation of each batch, such as standard or "flip | shift(2)"."""
    schedules: SchedulesConfig = SchedulesConfig()
    """Schedules of the base values."""
    adaptive_dropout: AdaptiveDropoutConfig = AdaptiveDropoutConfig()
    """Dropout that follows the gap between validation and training loss."""
    distillation: DistillationConfig = dataclasses.field(default_factory=DistillationConfig)
    """Distillation: learn from the outputs of a teacher beside the labels."""
    weighting: WeightingConfig = dataclasses.field(default_factory=WeightingConfig)
    """Weights of single training images in the loss."""
    averaging: Annotated[str, AVERAGING] = "none"
    """Average of the weights, such as ema(0.999) or swa(0.75); validation chooses whether it is
    kept."""
    snapshots: Annotated[int, checks.at_least(0)] = 0
    """Snapshots of the weights to keep for an ensemble, one at the end of each of as many equal
    cycles of the learning rate."""
    early_stopping: EarlyStoppingConfig = dataclasses.field(default_factory=EarlyStoppingConfig)
    """When to stop before the last epoch."""
    plateau: PlateauConfig = dataclasses.field(default_factory=PlateauConfig)
    """When to lower the learning rate."""
    tensorboard: Annotated[bool, checks.flag] = False
    """Write scalars, histograms, the graph and mistakes for TensorBoard into the run."""
    profile: Annotated[bool, checks.flag] = False
    """Write a trace of the steps of one execution into the run."""

    def __post_init__(self) -> None:
        self._check_metrics()
        check_settings(self)
        if self.weight_decay and not self._optimizer.decays:
            decaying = [repr(word) for word, its in OPTIMIZER.load().bare().items() if its.decays]
            raise ConfigError(
                f"weight_decay needs optimizer {' or '.join(decaying)}, received "
                f"{self.optimizer!r}. "
                "For a penalty in the loss set model.l2 instead."
            )
        if self.adaptive_dropout.enabled and self.schedules.dropout != "constant":
            raise ConfigError(
                "adaptive_dropout moves the rates itself and needs schedules.dropout 'constant', "
                f"received {self.schedules.dropout!r}."
            )
        if self.averaging != "none" and self._optimizer.second_weights == "average":
            raise ConfigError(
                f"optimizer {self.optimizer!r} keeps an average of the weights itself and needs "
                f"averaging 'none', received {self.averaging!r}."
            )
        corrections.check(self)
        live.check(self)
        self._check_snapshots()
        self._check_plateau()

    def digested(self) -> dict[str, Any]:
        """Return what has no part in a digest: what only watches changes no training."""
        return {"tensorboard": False, "profile": False, "snapshots": 0}

    def _check_metrics(self) -> None:
        if isinstance(self.metrics, str) or not isinstance(self.metrics, Sequence):
            raise ConfigError(f"metrics must be a list of metrics, received {self.metrics!r}.")
        for one in self.metrics:
            checks.choice("metrics", one, Logged)
        object.__setattr__(self, "metrics", tuple(self.metrics))

    def _check_snapshots(self) -> None:
        """Check that each snapshot is of the end of a cycle, and of the end of an epoch."""
        count, schedule = self.snapshots, self.schedules.learning_rate
        if count and self.epochs % count:
            raise ConfigError(
                f"{count} snapshots are of {count} equal cycles of whole epochs, received "
                f"{counted(self.epochs, 'epoch')}. Set ",
                Hint("training.epochs", -(-self.epochs // count) * count),
                ".",
            )
        if not live.rises(schedule, [number / count for number in range(1, count)]):
            raise ConfigError(
                f"{count} snapshots are of the ends of {count} equal cycles of the learning rate, "
                f"after which it rises again; that of {schedule!r} does not. Set ",
                Hint("training.schedules.learning_rate", f"restarts({count}, 1)"),
                ".",
            )

    def _check_plateau(self) -> None:
        """Check that the plateau alone lowers the learning rate, before training stops."""
        if self.plateau.monitor == "none":
            return
        factors = itertools.pairwise(live.points(self.schedules.learning_rate))
        if any(later < earlier for earlier, later in factors):
            raise ConfigError(
                "plateau lowers the learning rate itself and needs a schedule that does not, "
                f"received {self.schedules.learning_rate!r}. Set ",
                Hint("training.schedules.learning_rate", live.CONSTANT),
                " or 'warmup(0.05) >> constant'.",
            )
        stopping = self.early_stopping
        if stopping.monitor == self.plateau.monitor and stopping.patience <= self.plateau.patience:
            raise ConfigError(
                f"Training stops after {counted(stopping.patience, 'epoch')} without improvement, "
                f"before the learning rate falls after {self.plateau.patience}. Set ",
                Hint("training.early_stopping.patience"),
                " above ",
                Hint("training.plateau.patience", self.plateau.patience),
                ".",
            )

    @property
    def _optimizer(self) -> Any:
        return OPTIMIZER.parse(self.optimizer)

    @functools.cached_property
    def policy(self) -> tuple[Any, ...]:
        """The operations of ``augmentation``, an ``augment.policies.Policy``."""
        return AUGMENTATION.parse(self.augmentation)

    @property
    def watched(self) -> tuple[Metric, ...]:
        """``metrics``, and what early stopping or the plateau monitors if it is one of them."""
        found = [*self.metrics, self.early_stopping.monitor, self.plateau.monitor]
        known = dict.fromkeys(one for one in found if one in get_args(Metric))
        return cast("tuple[Metric, ...]", tuple(known))

    @property
    def effective_batch(self) -> int:
        """Images of an update."""
        return self.batch_size * self.accumulation

    @property
    def measures(self) -> tuple[str, ...]:
        """What is measured of the gradient: what ``metrics`` asks for, and its norm if clipped."""
        asked = [one for one in self.metrics if one not in get_args(Metric)]
        clipped = ["gradient_norm"] if CLIPPING.parse(self.clipping).clips else []
        return tuple(dict.fromkeys([*clipped, *asked]))

    @functools.cached_property
    def parsed_loss(self) -> Any:
        """The ``losses.Loss`` of ``loss``."""
        return LOSS.parse(self.loss)
