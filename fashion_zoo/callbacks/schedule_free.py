"""The callback that lets validation see the weights that a schedule-free optimizer averages."""

from collections.abc import Callable, Iterable
from typing import Any

import keras

from fashion_zoo import optimizers
from fashion_zoo.layers import renew_statistics


class ScheduleFreeWeights(keras.callbacks.Callback):
    """Validate, store and keep the averaged weights of ``keras.optimizers.ScheduleFreeAdamW``.

    Gradients are computed at ``y = (1 - beta_1) z + beta_1 x``, where ``z`` is the optimizer's
    ``momentum``. The model holds ``y`` while an epoch trains, and ``x``, the average, from
    validation until the next epoch. So a checkpoint has ``x`` and ``z``, and ``y`` is computed from
    them before each epoch, resumed or not. List it first.

    The statistics of batch normalization that training leaves are those of ``y``. They are computed
    anew for ``x``, with which those of ``y`` can be useless.

    Args:
        batches: returns the images of some training batches, given an epoch counted from 0.

    Reference: Defazio et al. 2024, arXiv:2405.15682, equations 1 to 3.
    """

    def __init__(self, batches: Callable[[int], Iterable[Any]]):
        super().__init__()
        self.batches = batches
        self._trains, self._epoch = False, 0

    def on_train_begin(self, logs=None):
        self._trains = False

    def on_epoch_begin(self, epoch, logs=None):
        beta = self._optimizer.beta_1
        if self._optimizer.built:  # else x, y and z are the initial weights
            self._assign(lambda x, z: (1 - beta) * z + beta * x)
        self._trains, self._epoch = True, epoch

    def on_test_begin(self, logs=None):
        if self._trains:
            beta = self._optimizer.beta_1
            self._trains = False  # before it, so that Ctrl-C within it does not do it twice
            self._assign(lambda y, z: (y - (1 - beta) * z) / beta)
            renew_statistics(self.model, self.batches(self._epoch))

    def on_train_end(self, logs=None):
        self.on_test_begin()  # Ctrl-C within an epoch

    @property
    def _optimizer(self):
        return optimizers.counting(self.model.optimizer)

    def _assign(self, change):
        variables = self.model.trainable_variables
        for variable, z in zip(variables, self._optimizer._momentums, strict=True):
            variable.assign(change(variable.value, z.value))
