"""Learning rate and weight decay inside the graph, looked up by the optimizer's own counter.

They run on any Keras backend.
"""

from typing import Any

import keras
import numpy as np

from fashion_zoo.optimizers._fused import FusedAdamW


@keras.saving.register_keras_serializable("fashion_zoo")
class TabulatedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate looked up by the optimizer's own step counter.

    A table is exact on every backend, under any ``steps_per_execution``, and lets a schedule
    stay a plain Python function.

    Args:
        values: the learning rate of each step, float32; later steps get the last one.

    Raises:
        ValueError: there are no values.
    """

    def __init__(self, values):
        self.values = np.asarray(values, dtype="float32")
        if not self.values.size:
            raise ValueError("A schedule needs the value of at least one step, received none.")

    def __call__(self, step):
        last = len(self.values) - 1
        index = keras.ops.minimum(keras.ops.cast(step, "int32"), last)
        return keras.ops.take(keras.ops.convert_to_tensor(self.values), index)

    def get_config(self):
        return {"values": self.values.tolist()}


class TabulatedDecay(keras.optimizers.Optimizer):
    """Stands before a Keras optimizer and looks its weight decay up by its own step counter.

        w = w - learning_rate(step) * weight_decay(step) * w,  then the optimizer's update

    As Keras does with a learning rate, it counts every step, those that only accumulate a gradient
    included.

    In Keras, ``weight_decay`` is a Python float that is baked into the graph when the training
    step is traced; setting it later changes nothing.

    Args:
        weight_decay: a ``TabulatedSchedule``, or its config.
        **kwargs: what the optimizer takes.
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
        return 0.0 if self._decay_table is None else self.weight_decay_at(self._iterations)

    @weight_decay.setter
    def weight_decay(self, value):
        """Keras assigns the number that it was given; the table stands in its place."""

    def weight_decay_at(self, step):
        """Return the weight decay of a step."""
        return self._decay_table(step)

    def get_config(self):
        decay = keras.saving.serialize_keras_object(self._decay_table)
        return {**super().get_config(), "weight_decay": decay}


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduledAdamW(TabulatedDecay, FusedAdamW):
    """AdamW whose weight decay is looked up by its own step counter.

    Reference: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, with its schedule on the
    decay as well.
    """
