"""Callbacks that a caller gives to a training."""

from collections.abc import Sequence

import keras

from fashion_zoo.errors import ConfigError


def check_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Check what can be checked of a caller's callbacks before anything is trained.

    Raises:
        ConfigError: one is no Keras callback, or sets the learning rate, which a schedule moves.
    """
    for one in callbacks:
        if not isinstance(one, keras.callbacks.Callback):
            raise ConfigError(f"callbacks must hold Keras callbacks, received {one!r}.")
        if isinstance(
            one, keras.callbacks.ReduceLROnPlateau | keras.callbacks.LearningRateScheduler
        ):
            raise ConfigError(
                f"{type(one).__name__} cannot set the learning rate, which follows "
                "training.schedules.learning_rate. Leave the callback out, and choose a schedule."
            )
