"""A callback that ends a training which cannot recover."""

import math

import keras

from fashion_zoo.errors import TrainingError


class StopOnDivergence(keras.callbacks.Callback):
    """Raise as soon as the running loss is not finite.

    Args:
        advice: what to try, the end of the message.

    Raises:
        TrainingError: the loss became NaN or infinite; the message says in which epoch.
    """

    def __init__(self, advice: str = "Try a smaller learning rate or gradient clipping."):
        super().__init__()
        self.advice = advice
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._check("loss", logs, f"by step {batch + 1} of epoch {self.epoch + 1}")

    def on_epoch_end(self, epoch, logs=None):
        self._check("val_loss", logs, f"at the end of epoch {epoch + 1}")

    def _check(self, name: str, logs, when: str) -> None:
        value = float((logs or {}).get(name, 0.0))
        if not math.isfinite(value):
            raise TrainingError(f"Training stopped: {name} became {value} {when}. {self.advice}")
