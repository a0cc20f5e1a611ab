"""From a word and the numbers of a training to an optimizer of Keras, and what one did last."""

import keras
import numpy as np

from fashion_zoo.errors import ConfigError
from fashion_zoo.optimizers._tables import TabulatedDecay, TabulatedSchedule
from fashion_zoo.optimizers._words import Optimizer


def counting(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer that counts the steps and knows the rate; loss scaling wraps it."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def last_step(optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
    """Return the learning rate of the optimizer's last step, and the weight decay if it moves."""
    optimizer = counting(optimizer)
    schedule = optimizer._learning_rate  # the property gives the next step's rate only
    # Not ``iterations``, which counts updates where gradients are accumulated.
    step = keras.ops.maximum(optimizer._iterations - 1, 0)  # before the first, the first one's
    tabulated = isinstance(schedule, TabulatedSchedule)
    applied = {"learning_rate": schedule(step) if tabulated else optimizer.learning_rate}
    if isinstance(optimizer, TabulatedDecay):
        applied["weight_decay"] = optimizer.weight_decay_at(step)
    # A variable of several replicas, or with a gradient, is no number by itself.
    return {
        name: float(keras.ops.convert_to_numpy(keras.ops.stop_gradient(value)))
        for name, value in applied.items()
    }


def to_keras(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return Keras's own optimizer at the learning rate and weight decay of the last step.

    It has no slots and no step behind it. Keras stores no list of what is spared from decay, so
    one that is loaded from a file decays every weight.
    """
    inner = counting(optimizer)
    kind = getattr(inner, "in_keras", type(inner))
    plain = kind.from_config({**inner.get_config(), **last_step(inner)})
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return keras.optimizers.LossScaleOptimizer(plain)
    return plain


def build_optimizer(
    chosen: Optimizer,
    *,
    learning_rate: float | np.ndarray,
    weight_decay: float | np.ndarray = 0.0,
    clip_norm: float | None = None,
    scale_loss: bool = False,
) -> keras.optimizers.Optimizer:
    """Make an optimizer for a training.

    Args:
        chosen: what a word of the vocabulary made.
        learning_rate: a number, or a (steps,) table that the optimizer's steps look up.
        weight_decay: likewise, for an optimizer that decays weights.
        clip_norm: largest global norm of the gradient; None does not clip.
        scale_loss: whether to wrap it in dynamic loss scaling, which float16 needs
            (Micikevicius et al. 2018, arXiv:1710.03740).

    Raises:
        ConfigError: the weight decay moves, and the optimizer does not look it up.
    """
    arguments = {"learning_rate": _live(learning_rate), "global_clipnorm": clip_norm}
    if not chosen.decays:
        optimizer = chosen.make(**arguments)
    else:
        optimizer = chosen.make(weight_decay=_live(weight_decay), **arguments)
        if isinstance(weight_decay, np.ndarray) and not isinstance(optimizer, TabulatedDecay):
            raise ConfigError(
                f"schedules.weight_decay needs an optimizer that looks its decay up, received "
                f"{type(optimizer).__name__}. Derive a class from TabulatedDecay and it, in this "
                "order, or set the schedule to 'constant'."
            )
        # Biases, scales and offsets are not decayed (Loshchilov & Hutter 2019, arXiv:1711.05101,
        # leave it open; decaying a scale fights what normalization is for).
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return keras.optimizers.LossScaleOptimizer(optimizer) if scale_loss else optimizer


def _live(value: float | np.ndarray) -> float | TabulatedSchedule:
    return TabulatedSchedule(value) if isinstance(value, np.ndarray) else value
