"""The callback that logs what the optimizer applied."""

import keras

from fashion_zoo import optimizers


class OptimizerLogger(keras.callbacks.Callback):
    """Log the ``learning_rate`` of each epoch's last step, and its ``weight_decay`` if it moves."""

    def on_epoch_end(self, epoch, logs=None):
        logs.update(optimizers.last_step(self.model.optimizer))
