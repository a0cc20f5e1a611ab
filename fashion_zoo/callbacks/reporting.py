"""Callbacks that log rates and show progress, and a check of the callbacks of a caller."""

import time
from collections.abc import Sequence

import keras

from fashion_zoo import optimizers
from fashion_zoo.errors import ConfigError
from fashion_zoo.show.progress import TrainingDisplay


class OptimizerLogger(keras.callbacks.Callback):
    """Log the ``learning_rate`` of each epoch's last step, and its ``weight_decay`` if it moves."""

    def on_epoch_end(self, epoch, logs=None):
        logs.update(optimizers.last_step(self.model.optimizer))


class ProgressDisplay(keras.callbacks.Callback):
    """Update a ``TrainingDisplay`` after each execution and each epoch.

    Args:
        display: the display.
        images_per_step: images per step, for the speed.
    """

    def __init__(self, display: TrainingDisplay, images_per_step: int):
        super().__init__()
        self.display = display
        self.images_per_step = images_per_step
        self.epoch = 0
        self.started = 0.0
        self.speed = 0.0

    def on_train_begin(self, logs=None):
        self.epoch = -1

    def on_epoch_begin(self, epoch, logs=None):
        if self.epoch < 0:  # a resumed training does not begin at epoch 0
            self.display.start(self.params["epochs"], self.params["steps"], epoch)
        self.epoch, self.started = epoch, time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        done = min(batch + 1, self.params["steps"])  # an execution may end after the last step
        self.speed = done * self.images_per_step / (time.perf_counter() - self.started)
        self.display.advance(self.epoch, done, self.speed, logs)

    def on_epoch_end(self, epoch, logs=None):
        self.display.finish_epoch(epoch, self.speed, logs)


def check_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Raise ConfigError if one is not a Keras callback, or sets the learning rate."""
    for one in callbacks:
        if not isinstance(one, keras.callbacks.Callback):
            raise ConfigError(f"callbacks must hold Keras callbacks, received {one!r}.")
        if isinstance(
            one, keras.callbacks.ReduceLROnPlateau | keras.callbacks.LearningRateScheduler
        ):
            raise ConfigError(
                f"{type(one).__name__} cannot set the learning rate, which follows "
                "training.schedules.learning_rate and training.plateau. Leave the callback out, "
                "and set one of these."
            )
