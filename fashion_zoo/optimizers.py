"""Optimizers and the learning rate inside the graph. They run on any Keras backend."""

import keras
import numpy as np

from fashion_zoo.config import TrainingConfig
from fashion_zoo.schedules import Schedule


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


def tabulate(schedule: Schedule, base: float, steps: int) -> TabulatedSchedule:
    """Tabulate ``base * schedule(progress)`` over all steps of a training.

    Progress is 0 at the first step and 1 at the last, so that a schedule runs to its end.
    """
    return TabulatedSchedule([base * schedule(step / max(steps - 1, 1)) for step in range(steps)])


def build_optimizer(
    config: TrainingConfig, learning_rate: float | TabulatedSchedule, *, scale_loss: bool = False
) -> keras.optimizers.Optimizer:
    """Make the optimizer of a training config.

    Args:
        config: optimizer, weight decay and clipping.
        learning_rate: a number, or a schedule of the optimizer's steps.
        scale_loss: whether to wrap it in dynamic loss scaling, which float16 needs
            (Micikevicius et al. 2018, arXiv:1710.03740).
    """
    arguments = {"learning_rate": learning_rate, "global_clipnorm": config.clip_norm}
    optimizer: keras.optimizers.Optimizer
    if config.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(weight_decay=config.weight_decay, **arguments)
        # Biases, scales and offsets are not decayed (Loshchilov & Hutter 2019, arXiv:1711.05101,
        # leave it open; decaying a scale fights what normalization is for).
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    elif config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **arguments)
    else:
        optimizer = keras.optimizers.Adam(**arguments)
    return keras.optimizers.LossScaleOptimizer(optimizer) if scale_loss else optimizer
