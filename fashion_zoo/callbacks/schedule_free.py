"""The callback that lets validation see the weights that a schedule-free optimizer averages."""

import keras

from fashion_zoo import optimizers


class ScheduleFreeWeights(keras.callbacks.Callback):
    """Validate, store and keep the averaged weights of ``keras.optimizers.ScheduleFreeAdamW``.

    Gradients are computed at ``y = (1 - beta_1) z + beta_1 x``, where ``z`` is the optimizer's
    ``momentum``. The model holds ``y`` while an epoch trains, and ``x``, the average, from
    validation until the next epoch. So a checkpoint has ``x`` and ``z``, and ``y`` is computed from
    them before each epoch, resumed or not. List it first.

    Reference: Defazio et al. 2024, arXiv:2405.15682, equations 1 to 3.
    """

    _trains = False

    def on_train_begin(self, logs=None):
        self._trains = False

    def on_epoch_begin(self, epoch, logs=None):
        beta = self._optimizer.beta_1
        if self._optimizer.built:  # else x, y and z are the initial weights
            self._assign(lambda x, z: (1 - beta) * z + beta * x)
        self._trains = True

    def on_test_begin(self, logs=None):
        if self._trains:
            beta = self._optimizer.beta_1
            self._assign(lambda y, z: (y - (1 - beta) * z) / beta)
            self._trains = False

    def on_train_end(self, logs=None):
        self.on_test_begin()  # Ctrl-C within an epoch

    @property
    def _optimizer(self):
        return optimizers.counting(self.model.optimizer)

    def _assign(self, change):
        variables = self.model.trainable_variables
        for variable, z in zip(variables, self._optimizer._momentums, strict=True):
            variable.assign(change(variable.value, z.value))
