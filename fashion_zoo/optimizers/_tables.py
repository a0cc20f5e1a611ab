"""Learning rates and weight decays that are looked up in the graph, on any backend."""

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable("fashion_zoo")
class TabulatedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate looked up by the optimizer's step counter.

    A table is exact on every backend and under any ``steps_per_execution``, and a schedule can be
    a plain Python function. ``factor``, if it is set, is a variable of the optimizer by which the
    rate is multiplied.

    Args:
        values: the learning rate of each step, float32; later steps use the last one.

    Raises:
        ValueError: if there are no values.
    """

    factor: Any = None

    def __init__(self, values):
        self.values = np.asarray(values, dtype="float32")
        if not self.values.size:
            raise ValueError("A schedule needs the value of at least one step, received none.")

    def __call__(self, step):
        last = len(self.values) - 1
        index = keras.ops.minimum(keras.ops.cast(step, "int32"), last)
        rate = keras.ops.take(keras.ops.convert_to_tensor(self.values), index)
        return rate if self.factor is None else rate * self.factor

    def get_config(self):
        return {"values": self.values.tolist()}


class TabulatedDecay(keras.optimizers.Optimizer):
    """A base class, before a Keras optimizer, whose weight decay is looked up by the step counter.

        w = w - learning_rate(step) * weight_decay(step) * w,  then the optimizer's update

    As for a learning rate in Keras, steps that only accumulate a gradient count.

    In Keras, ``weight_decay`` is a Python float that is baked into the graph when the training
    step is traced; setting it later changes nothing.

    Args:
        weight_decay: a ``TabulatedSchedule``, or its config.
        **kwargs: arguments of the optimizer.
    """

    _decay_table: Any = None  # Keras's constructor reads the property

    def __init__(self, weight_decay, **kwargs):
        if isinstance(weight_decay, dict):
            weight_decay = keras.saving.deserialize_keras_object(weight_decay)
        super().__init__(weight_decay=0.0, **kwargs)
        self._decay_table = weight_decay

    @property
    def weight_decay(self):
        """The weight decay of the next step, a scalar tensor."""
        return 0.0 if self._decay_table is None else self.weight_decay_at(self._iterations)

    @weight_decay.setter
    def weight_decay(self, value):
        """Ignore the number that Keras assigns; the table replaces it."""

    def weight_decay_at(self, step):
        """Return the weight decay of a step."""
        return self._decay_table(step)

    def get_config(self):
        decay = keras.saving.serialize_keras_object(self._decay_table)
        return {**super().get_config(), "weight_decay": decay}
