"""Callbacks that apply a schedule, or log what one applied."""

import keras

from fashion_zoo.errors import ConfigError
from fashion_zoo.layers import ScheduledDropout
from fashion_zoo.optimizers import TabulatedSchedule
from fashion_zoo.schedules import Schedule


class DropoutScheduler(keras.callbacks.Callback):
    """Move the rate of every ``ScheduledDropout`` layer once an epoch.

        rate = base_rate * schedule(epoch / epochs)

    with epochs counted from 0, so the first epoch has the rate at progress 0. The applied rate
    of each layer goes into the history as ``NAME_rate``.

    Args:
        schedule: a function of progress, such as ``fashion_zoo.schedules.linear()``.

    Raises:
        ConfigError: when training begins, if the schedule takes a rate out of [0, 1).
    """

    def __init__(self, schedule: Schedule):
        super().__init__()
        self.schedule = schedule

    def on_train_begin(self, logs=None):
        epochs = self.params["epochs"]
        for layer in self._layers():
            for epoch in range(epochs):
                rate = layer.base_rate * self.schedule(epoch / epochs)
                if not 0 <= rate < 1:
                    raise ConfigError(
                        f"The schedule takes the rate of {layer.name} to {rate:g} in epoch "
                        f"{epoch + 1}; a dropout rate must be at least 0 and below 1."
                    )

    def on_epoch_begin(self, epoch, logs=None):
        factor = self.schedule(epoch / self.params["epochs"])
        for layer in self._layers():
            layer.rate.assign(layer.base_rate * factor)

    def on_epoch_end(self, epoch, logs=None):
        for layer in self._layers():
            logs[f"{layer.name}_rate"] = float(layer.rate)

    def _layers(self) -> list[ScheduledDropout]:
        return [layer for layer in self.model.layers if isinstance(layer, ScheduledDropout)]


class LearningRateLogger(keras.callbacks.Callback):
    """Log the learning rate of each epoch's last step as ``learning_rate``."""

    def on_epoch_end(self, epoch, logs=None):
        # Loss scaling wraps the optimizer that counts and knows the rate.
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        schedule = optimizer._learning_rate  # the property gives the next step's rate only
        if isinstance(schedule, TabulatedSchedule):
            logs["learning_rate"] = float(schedule(optimizer.iterations - 1))
        else:
            logs["learning_rate"] = float(optimizer.learning_rate)
