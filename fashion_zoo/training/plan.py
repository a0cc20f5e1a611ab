"""A training as numbers, made once from its config and its data set, without a framework."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from fashion_zoo import schedules
from fashion_zoo.augment.policies import Policy, mixes
from fashion_zoo.averaging import Averaging
from fashion_zoo.clippings import Clipping
from fashion_zoo.config import (
    AdaptiveDropoutConfig,
    DistillationConfig,
    EarlyStoppingConfig,
    Metric,
    PlateauConfig,
    RunConfig,
    TrainingConfig,
)
from fashion_zoo.config.live import CONSTANT, LIVE
from fashion_zoo.config.training import AVERAGING, CLASS_WEIGHT, CLIPPING, Sampling
from fashion_zoo.data.batches import steps_per_epoch
from fashion_zoo.data.views import Views, repeat
from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.language.arguments import received
from fashion_zoo.language.wording import counted
from fashion_zoo.losses import CROSS_ENTROPY, Loss
from fashion_zoo.machine import precision
from fashion_zoo.optimizers import WORDS, Optimizer

STRENGTHS = ("augmentation", "mixing")  # live values that change images


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Every number of a training; the fields without a docstring are as in its config."""

    epochs: int
    steps: int
    """Steps per epoch; 0 if no training is planned."""
    batch_size: int
    seed: int
    precision: precision.ChosenPrecision
    optimizer: Optimizer
    """The optimizer, before it is built."""
    accumulation: int
    clipping: Clipping
    """The clipping, before it is part of the optimizer."""
    measures: tuple[str, ...]
    """What is logged of the gradients; see ``optimizers.Measures``."""
    checkpointing: bool
    soft_labels: bool
    """Whether labels are (batch, classes) probabilities, not (batch,) integers."""
    loss: Loss
    """The loss of a training step, before it is built."""
    class_weights: np.ndarray | None
    """(classes,) float32 weight of each class in that loss; None if all are 1."""
    image_weights: np.ndarray | None
    """(images,) float32 weight of each training image in that loss, with a mean of 1; None if all
    are 1. The labels are multiplied by them, so they are soft."""
    log_prior: np.ndarray | None
    """(classes,) float32 logarithm of the fraction of training images of each class, for a loss
    that uses it; else None."""
    distillation: DistillationConfig
    sampling: Sampling
    metrics: tuple[Metric, ...]
    """Metrics that are logged beside accuracy and loss."""
    augmentation: Policy
    views: Views | None
    """Which epochs repeat the images of others, which a teacher has predicted before; None if the
    images of each epoch are its own, or no teacher takes part."""
    bases: Mapping[str, float]
    """Name to each live value of ``LIVE`` without its schedule."""
    tables: Mapping[str, np.ndarray]
    """Name to each live value that a schedule moves: (epochs * steps,) float32, read-only.

    Dropout that moves per epoch has (epochs,) float64: its factors are rounded only once, when
    they are multiplied by the rate of a layer.
    """
    dropout_each: Literal["epoch", "step"]
    adaptive_dropout: AdaptiveDropoutConfig
    averaging: Averaging
    snapshots: frozenset[int]
    """Epochs, from 1, whose weights are kept at their end."""
    early_stopping: EarlyStoppingConfig
    plateau: PlateauConfig

    @property
    def prior(self) -> np.ndarray | None:
        """Fractions of the classes, if the loss corrects for them; labels are smoothed to them."""
        return None if self.log_prior is None else np.exp(self.log_prior)

    @property
    def fixed_images(self) -> bool:
        """Whether an image is the same in every epoch: neither augmented nor mixed."""
        return not self.augmentation

    @property
    def taught_before(self) -> bool:
        """Whether a teacher, if there is one, predicts before the first step, not in each."""
        return self.fixed_images or self.views is not None

    @property
    def effective_batch(self) -> int:
        """Images of an update."""
        return self.batch_size * self.accumulation

    @property
    def dtype(self) -> str:
        """Name of the dtype policy of the layers."""
        return self.precision.policy

    def live(self, part: str) -> dict[str, float | np.ndarray]:
        """Return the live values of a part: name to table, or to base."""
        return {
            name: self.tables.get(name, base)
            for name, base in self.bases.items()
            if LIVE[name].part == part
        }

    def ends(self, part: str, epoch: int) -> dict[str, float]:
        """Return the moving values of a part at the last step of an epoch, counted from 0."""
        last = (epoch + 1) * self.steps - 1
        return {
            name: float(table[last])
            for name, table in self.tables.items()
            if LIVE[name].part == part
        }


def plan(config: RunConfig, class_counts: np.ndarray | Sequence[int] | None = None) -> Plan:
    """Plan a training on this device, on so many images of each class, (classes,) integers.

    None plans no steps: nothing moves, labels are integers, and the loss is plain cross-entropy,
    without a teacher.
    Raises ConfigError if there are fewer images than a batch takes, or a class has none and the
    config corrects class frequencies, or schedules leave no epochs that repeat.
    """
    training = config.training
    steps = 0
    if class_counts is not None:
        steps = steps_per_epoch(
            int(np.sum(class_counts)), training.batch_size, training.accumulation
        )
    bases = {name: live.base(training) for name, live in LIVE.items()}
    policy = training.policy
    tables = _tables(training, bases, steps) if steps else {}
    return Plan(
        epochs=training.epochs,
        steps=steps,
        batch_size=training.batch_size,
        seed=config.seed,
        precision=precision.choose(config.precision),
        optimizer=WORDS.parse(training.optimizer),
        accumulation=training.accumulation,
        clipping=CLIPPING.parse(training.clipping),
        measures=training.measures,
        checkpointing=training.checkpointing,
        soft_labels=steps > 0
        and (training.label_smoothing > 0 or mixes(policy) or training.weighting.enabled),
        **_of_classes(training, class_counts),
        augmentation=policy,
        views=_views(training, tables) if steps else None,
        bases=bases,
        tables=tables,
        dropout_each=training.schedules.dropout_each,
        adaptive_dropout=training.adaptive_dropout,
        averaging=AVERAGING.parse(training.averaging),
        snapshots=_snapshots(training),
        early_stopping=training.early_stopping,
        plateau=training.plateau,
    )


def _snapshots(training: TrainingConfig) -> frozenset[int]:
    cycle = training.epochs // max(training.snapshots, 1)
    return frozenset(cycle * number for number in range(1, training.snapshots + 1))


def _of_classes(
    training: TrainingConfig, class_counts: np.ndarray | Sequence[int] | None
) -> dict[str, Any]:
    """Return the fields of a plan that depend on classes: loss, weights, sampling and metrics."""
    if class_counts is None:
        plain = {"loss": CROSS_ENTROPY, "class_weights": None, "image_weights": None}
        return {
            **plain,
            "log_prior": None,
            "distillation": DistillationConfig(),
            "sampling": "shuffle",
            "metrics": (),
        }
    counts, loss = np.asarray(class_counts), training.parsed_loss
    weighting = training.weighting
    balanced, weighted = training.sampling == "balanced", training.class_weight != "none"
    if (balanced or weighted or loss.uses_prior) and not counts.all():
        raise ConfigError(
            f"Class {int(np.argmin(counts))} has no training image. class_weight, sampling "
            f"'balanced' and loss {training.loss!r} need at least one of each class."
        )
    weights_of = CLASS_WEIGHT.parse(training.class_weight)
    weights = np.asarray(weights_of(counts.astype(float)), dtype=float)
    if weights.shape != counts.shape or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ConfigError(
            f"class_weight {training.class_weight!r} must return {len(counts)} finite numbers of "
            f"at least 0, received {received(weights)}."
        )
    return {
        "loss": loss,
        "class_weights": None if (weights == 1).all() else _read_only(weights),
        "image_weights": _read_only(weighting.read(counts.sum())) if weighting.enabled else None,
        "log_prior": _read_only(np.log(counts / counts.sum())) if loss.uses_prior else None,
        "distillation": training.distillation,
        "sampling": training.sampling,
        "metrics": training.watched,
    }


def _views(training: TrainingConfig, tables: Mapping[str, np.ndarray]) -> Views | None:
    """Return which epochs repeat, if a teacher is to predict augmented images once."""
    count, teaching = training.distillation.views, training.distillation.enabled
    if not (count and teaching and training.policy):
        return None
    moving = [name for name in STRENGTHS if name in tables]
    found = repeat(count, training.epochs, [tables[name] for name in moving])
    most = 2 * count + 1  # one step; within an epoch, it makes one more
    if (needed := len(found.firsts)) > most:
        texts = [f"schedules.{name} {getattr(training.schedules, name)!r}" for name in moving]
        raise ConfigError(
            f"distillation.views {count} repeats the images of {counted(count, 'epoch')}, and with "
            f"{' and '.join(texts)} {needed} of {counted(training.epochs, 'epoch')} differ, more "
            f"than {most}. Choose a constant or one step, such as 'step(0, at=[0.8])', or set ",
            Hint("training.distillation.views", 0),
            ".",
        )
    return found


def _read_only(numbers: np.ndarray) -> np.ndarray:
    found = numbers.astype(np.float32)
    found.flags.writeable = False
    return found


def _tables(
    training: TrainingConfig, bases: Mapping[str, float], steps: int
) -> dict[str, np.ndarray]:
    moving, epochs = training.schedules, training.epochs
    tables = {}
    for name, base in bases.items():
        text = getattr(moving, name)
        # A constant rate would be a variable, and a rate in a table is none: checkpoints would
        # differ. So the rate always has a table.
        if text == CONSTANT and name != "learning_rate":
            continue
        schedule = schedules.get(text)
        if name == "dropout" and moving.dropout_each == "epoch":
            table = np.array([base * schedule(epoch / epochs) for epoch in range(epochs)])
        else:
            each = training.accumulation if LIVE[name].part == "optimizer" else 1
            values = schedules.tabulate(schedule, base, epochs * steps // each)
            table = np.repeat(np.array(values, dtype=np.float32), each)
        table.flags.writeable = False
        tables[name] = table
    return tables
