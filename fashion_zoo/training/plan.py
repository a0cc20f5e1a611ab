"""A training as numbers, made once from its config and its data set; no framework is needed."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from fashion_zoo import schedules
from fashion_zoo.augment.policies import Policy, mixes
from fashion_zoo.config import AdaptiveDropoutConfig, EarlyStoppingConfig, RunConfig, TrainingConfig
from fashion_zoo.config.live import CONSTANT, LIVE
from fashion_zoo.data.batches import steps_per_epoch
from fashion_zoo.machine import precision
from fashion_zoo.optimizers import WORDS, Optimizer


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Every number of a training. What executes it reads no config and no schedule's text."""

    epochs: int
    """Passes over the training images."""
    steps: int
    """Steps an epoch; 0 where no training is planned."""
    batch_size: int
    """Images a step."""
    seed: int
    """Key of everything random."""
    precision: precision.ChosenPrecision
    """The dtype policy of the layers, and why."""
    optimizer: Optimizer
    """The optimizer, before it is built."""
    clip_norm: float | None
    """Largest global norm of the gradient; None does not clip."""
    soft_labels: bool
    """Whether labels are (batch, classes) probabilities, not (batch,) integers."""
    augmentation: Policy
    """What is done to each batch."""
    bases: Mapping[str, float]
    """Each live value where nothing moves it."""
    tables: Mapping[str, np.ndarray]
    """Each live value that moves: (epochs * steps,) float32, read-only.

    Dropout that moves each epoch has (epochs,) float64: its factors are rounded once only, when
    they are multiplied by the rate of a layer.
    """
    dropout_each: Literal["epoch", "step"]
    """How often dropout moves."""
    adaptive_dropout: AdaptiveDropoutConfig
    """Dropout that follows the gap between validation and training loss."""
    early_stopping: EarlyStoppingConfig
    """When to stop before the last epoch."""

    @property
    def dtype(self) -> str:
        """Name of the layers' dtype policy."""
        return self.precision.policy

    def live(self, part: str) -> dict[str, float | np.ndarray]:
        """Return the live values that a part applies: name to table, or to base."""
        return {
            name: self.tables.get(name, base)
            for name, base in self.bases.items()
            if LIVE[name].part == part
        }

    def ends(self, part: str, epoch: int) -> dict[str, float]:
        """Return what moves a part, as it is at the last step of an epoch, counted from 0."""
        last = (epoch + 1) * self.steps - 1
        return {
            name: float(table[last])
            for name, table in self.tables.items()
            if LIVE[name].part == part
        }


def plan(config: RunConfig, images: int | None = None) -> Plan:
    """Plan a training. The device is asked here what ``auto`` precision is.

    Args:
        config: the config.
        images: number of training images; None plans no steps, so that nothing moves and labels
            are integers.

    Raises:
        ConfigError: there are fewer images than a batch has.
    """
    training = config.training
    steps = 0 if images is None else steps_per_epoch(images, training.batch_size)
    bases = {name: live.base(training) for name, live in LIVE.items()}
    policy = training.policy
    return Plan(
        epochs=training.epochs,
        steps=steps,
        batch_size=training.batch_size,
        seed=config.seed,
        precision=precision.choose(config.precision),
        optimizer=WORDS.parse(training.optimizer),
        clip_norm=training.clip_norm,
        soft_labels=steps > 0 and (training.label_smoothing > 0 or mixes(policy)),
        augmentation=policy,
        bases=bases,
        tables=_tables(training, bases, steps) if steps else {},
        dropout_each=training.schedules.dropout_each,
        adaptive_dropout=training.adaptive_dropout,
        early_stopping=training.early_stopping,
    )


def _tables(
    training: TrainingConfig, bases: Mapping[str, float], steps: int
) -> dict[str, np.ndarray]:
    moving, epochs = training.schedules, training.epochs
    tables = {}
    for name, base in bases.items():
        text = getattr(moving, name)
        # A rate in a table is no variable; so it must always be one, or checkpoints would differ.
        if text == CONSTANT and name != "learning_rate":
            continue
        schedule = schedules.get(text)
        if name == "dropout" and moving.dropout_each == "epoch":
            table = np.array([base * schedule(epoch / epochs) for epoch in range(epochs)])
        else:
            table = np.array(schedules.tabulate(schedule, base, epochs * steps), dtype=np.float32)
        table.flags.writeable = False
        tables[name] = table
    return tables
