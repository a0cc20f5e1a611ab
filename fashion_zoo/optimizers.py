"""Optimizers and the learning rate inside the graph. They run on any Keras backend."""

from typing import Any

import keras
import numpy as np

from fashion_zoo.config import TrainingConfig


@keras.saving.register_keras_serializable("fashion_zoo")
class TabulatedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate looked up by the optimizer's own step counter.

    A table is exact on every backend, under any ``steps_per_execution``, and lets a schedule
    stay a plain Python function.

    Args:
        values: the learning rate of each step, float32; later steps get the last one.
    """

    def __init__(self, values):
        self.values = np.asarray(values, dtype="float32")

    def __call__(self, step):
        last = len(self.values) - 1
        index = keras.ops.minimum(keras.ops.cast(step, "int32"), last)
        return keras.ops.take(keras.ops.convert_to_tensor(self.values), index)

    def get_config(self):
        return {"values": self.values.tolist()}


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduledAdamW(keras.optimizers.AdamW):
    """AdamW whose weight decay is looked up by its own step counter.

        w = w - learning_rate(step) * weight_decay(step) * w,  then Adam's update

    In Keras, ``weight_decay`` is a Python float that is baked into the graph when the training
    step is traced; setting it later changes nothing.

    Args:
        weight_decay: a ``TabulatedSchedule``, or its config.
        **kwargs: what ``keras.optimizers.AdamW`` takes.

    Reference: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, with its schedule on the
    decay as well.
    """

    _decay_table: Any = None  # until Keras has made the rest; it reads the property while it does

    def __init__(self, weight_decay, **kwargs):
        if isinstance(weight_decay, dict):
            weight_decay = keras.saving.deserialize_keras_object(weight_decay)
        super().__init__(weight_decay=0.0, **kwargs)
        self._decay_table = weight_decay

    @property
    def weight_decay(self):
        """The weight decay of the step that comes, a scalar tensor."""
        return 0.0 if self._decay_table is None else self.weight_decay_at(self.iterations)

    @weight_decay.setter
    def weight_decay(self, value):
        """Keras assigns the number that it was given; the table stands in its place."""

    def weight_decay_at(self, step):
        """Return the weight decay of a step."""
        return self._decay_table(step)

    def get_config(self):
        decay = keras.saving.serialize_keras_object(self._decay_table)
        return {**super().get_config(), "weight_decay": decay}


def counting(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer that counts the steps and knows the rate; loss scaling wraps it."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def last_step(optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
    """Return the learning rate of the optimizer's last step, and the weight decay if it moves."""
    optimizer = counting(optimizer)
    schedule = optimizer._learning_rate  # the property gives the next step's rate only
    step = optimizer.iterations - 1
    tabulated = isinstance(schedule, TabulatedSchedule)
    applied = {"learning_rate": float(schedule(step) if tabulated else optimizer.learning_rate)}
    if isinstance(optimizer, ScheduledAdamW):
        applied["weight_decay"] = float(optimizer.weight_decay_at(step))
    return applied


def build_optimizer(
    config: TrainingConfig,
    learning_rate: float | TabulatedSchedule,
    *,
    weight_decay: TabulatedSchedule | None = None,
    scale_loss: bool = False,
) -> keras.optimizers.Optimizer:
    """Make the optimizer of a training config.

    Args:
        config: optimizer, weight decay and clipping.
        learning_rate: a number, or a schedule of the optimizer's steps.
        weight_decay: a schedule of adamw's steps; None keeps the config's number.
        scale_loss: whether to wrap it in dynamic loss scaling, which float16 needs
            (Micikevicius et al. 2018, arXiv:1710.03740).
    """
    arguments = {"learning_rate": learning_rate, "global_clipnorm": config.clip_norm}
    optimizer: keras.optimizers.Optimizer
    if config.optimizer == "adamw":
        if weight_decay is None:
            optimizer = keras.optimizers.AdamW(weight_decay=config.weight_decay, **arguments)
        else:
            optimizer = ScheduledAdamW(weight_decay, **arguments)
        # Biases, scales and offsets are not decayed (Loshchilov & Hutter 2019, arXiv:1711.05101,
        # leave it open; decaying a scale fights what normalization is for).
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    elif config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **arguments)
    else:
        optimizer = keras.optimizers.Adam(**arguments)
    return keras.optimizers.LossScaleOptimizer(optimizer) if scale_loss else optimizer
