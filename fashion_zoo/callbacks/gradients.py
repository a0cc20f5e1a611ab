"""Callbacks that log what an optimizer did with the gradients of an epoch."""

import keras

from fashion_zoo import optimizers
from fashion_zoo.layers import as_array


class GradientLogger(keras.callbacks.Callback):
    """Log what ``optimizers.Measures`` found: means over the updates of an epoch, largest norm."""

    def on_epoch_begin(self, epoch, logs=None):
        optimizers.counting(self.model.optimizer).measures.start()

    def on_epoch_end(self, epoch, logs=None):
        logs.update(optimizers.counting(self.model.optimizer).measures.read())


class LossScaleLogger(keras.callbacks.Callback):
    """Log the ``skipped_steps`` of an epoch under loss scaling, and the ``loss_scale`` at its end.

    A step whose gradient overflows, to infinity or NaN, is skipped, so it is one that the counter
    of the inner optimizer did not count.
    """

    before = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.before = self._applied()

    def on_epoch_end(self, epoch, logs=None):
        logs["skipped_steps"] = self.params["steps"] - (self._applied() - self.before)
        logs["loss_scale"] = float(as_array(self.model.optimizer.dynamic_scale))

    def _applied(self) -> int:
        return int(as_array(optimizers.counting(self.model.optimizer)._iterations))
