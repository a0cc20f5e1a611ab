"""How an optimizer is made from a word and the numbers of a training, and what leaves it."""

import inspect
import re
from collections.abc import Sequence

import keras
import numpy as np

from fashion_zoo.clippings import NO_CLIPPING, Clipping
from fashion_zoo.errors import ConfigError
from fashion_zoo.layers import as_array
from fashion_zoo.optimizers._gradients import prepare
from fashion_zoo.optimizers._tables import TabulatedDecay, TabulatedSchedule
from fashion_zoo.optimizers._words import Optimizer


def counting(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer that has the step and the rate: without the wrapper of loss scaling."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def ensure_built(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]
) -> None:
    """Make the variables of an optimizer for those that it trains, unless it has them.

    That of loss scaling would get its own twice.
    """
    if not optimizer.built:
        optimizer.build(variables)


def set_rate_factor(optimizer: keras.optimizers.Optimizer, factor: float) -> None:
    """Multiply the tabulated learning rate of the next steps; ``adjustable`` made it possible."""
    counting(optimizer)._learning_rate.factor.assign(factor)


def average_updates(optimizer: keras.optimizers.Optimizer, decay: float, accumulation: int) -> None:
    """Let an optimizer keep an exponential average of the weights after each update.

        average = decay * average + (1 - decay) * weights

    Keras's own moves with every batch of an update. It starts at the weights of the first update.
    """
    optimizer.use_ema, optimizer.ema_momentum = True, decay
    # fit calls it at its end, where validation has not chosen between weights and average yet.
    optimizer.finalize_variable_values = lambda variables: None
    if accumulation == 1:
        return
    average = optimizer._update_model_variables_moving_average

    def after_updates(variables):
        # The batch that is counted next is the last of an update.
        last = keras.ops.equal(keras.ops.mod(optimizer._iterations + 1, accumulation), 0)
        optimizer.ema_momentum = keras.ops.where(last, decay, 1.0)
        try:
            average(variables)
        finally:
            optimizer.ema_momentum = decay

    optimizer._update_model_variables_moving_average = after_updates


def averaged(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """Return the exponential average of each trainable variable; see ``average_decay``."""
    return [as_array(one) for one in counting(optimizer)._model_variables_moving_average]


def last_step(optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
    """Return the learning rate of the optimizer's last step, and what else of it moves.

    That is weight_decay and momentum, which for Adam is its ``beta_1``.
    """
    optimizer = counting(optimizer)
    schedule = optimizer._learning_rate  # the property has the rate of the next step
    # Not ``iterations``, which counts updates if gradients are accumulated.
    step = keras.ops.maximum(optimizer._iterations - 1, 0)
    tabulated = isinstance(schedule, TabulatedSchedule)
    applied = {"learning_rate": schedule(step) if tabulated else optimizer.learning_rate}
    if isinstance(optimizer, TabulatedDecay):
        applied["weight_decay"] = optimizer.weight_decay_at(step)
    if hasattr(optimizer, "_momentum_table"):
        applied["momentum"] = optimizer._momentum_table(step)
    # float() fails for a variable of several replicas, or with a gradient.
    return {
        name: float(keras.ops.convert_to_numpy(keras.ops.stop_gradient(value)))
        for name, value in applied.items()
    }


def to_keras(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return a new optimizer of Keras's own at the learning rate and decay of the last step.

    Keras stores no list of what is excluded from decay, so one that is loaded from a file decays
    every weight.
    """
    inner = counting(optimizer)
    kind = getattr(inner, "nearest", getattr(inner, "in_keras", type(inner)))
    # Keras's fit would overwrite the weights by an average at its end.
    applied = last_step(inner)
    if "momentum" in applied:
        applied[inner._momentum_name] = applied.pop("momentum")
    # Keras counts names within a process; a file shall not depend on what was made before it.
    name = re.sub(r"_\d+$", "", inner.name)
    config = {**inner.get_config(), **applied, "use_ema": False, "name": name}
    if hasattr(inner, "nearest"):  # another algorithm, which has other arguments
        known = inspect.signature(kind.__init__).parameters
        config = {name: value for name, value in config.items() if name in known}
    if "adam_weight_decay" in config:  # Muon's second one
        config["adam_weight_decay"] = config["weight_decay"]
    plain = kind.from_config(config)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return keras.optimizers.LossScaleOptimizer(plain, name="loss_scale_optimizer")
    return plain


def replacement(optimizer: keras.optimizers.Optimizer) -> str | None:
    """Return the name of the nearest optimizer of Keras, None if Keras has this one."""
    nearest = getattr(counting(optimizer), "nearest", None)
    return nearest and nearest.__name__


def build_optimizer(
    chosen: Optimizer,
    *,
    learning_rate: float | np.ndarray,
    weight_decay: float | np.ndarray = 0.0,
    momentum: float | np.ndarray = 0.0,
    clipping: Clipping = NO_CLIPPING,
    accumulation: int = 1,
    measures: Sequence[str] = (),
    scale_loss: bool = False,
    adjustable: bool = False,
    average_decay: float | None = None,
) -> keras.optimizers.Optimizer:
    """Make an optimizer for a training.

    Args:
        chosen: the optimizer before it is built.
        learning_rate: a number, or a (steps,) table that the optimizer looks up.
        weight_decay: likewise, for an optimizer that decays weights.
        momentum: a table, for an optimizer that has a momentum; a number is the optimizer's own.
        clipping: what limits the gradient of an update.
        accumulation: batches whose mean gradient makes one update.
        measures: what is measured of each gradient before clipping; see ``Measures``.
        scale_loss: whether to wrap it in dynamic loss scaling, which float16 needs
            (Micikevicius et al. 2018, arXiv:1710.03740).
        adjustable: whether ``set_rate_factor`` can multiply a table of the learning rate.
        average_decay: decay per update of an exponential average of the weights, which
            ``averaged`` returns; None makes none.

    Raises:
        ConfigError: if the weight decay moves, and the optimizer does not look it up.
    """
    given = {"global_clipnorm": None, **clipping.arguments}
    if accumulation > 1:
        given["gradient_accumulation_steps"] = accumulation
    arguments = {"learning_rate": _live(learning_rate), **given}
    if isinstance(momentum, np.ndarray):
        arguments["momentum"] = _live(momentum)
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
        # leave it open; decaying a scale works against normalization).
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "scale", "alpha"])
    prepare(optimizer, clipping.clip, measures)
    if adjustable and isinstance(learning_rate, np.ndarray):
        # A variable of the schedule would be frozen on jax, which knows those of the optimizer.
        optimizer._learning_rate.factor = optimizer.add_variable(
            shape=(), initializer="ones", dtype="float32", name="learning_rate_factor"
        )
    if average_decay is not None:
        average_updates(optimizer, average_decay, accumulation)
    return keras.optimizers.LossScaleOptimizer(optimizer) if scale_loss else optimizer


def _live(value: float | np.ndarray) -> float | TabulatedSchedule:
    return TabulatedSchedule(value) if isinstance(value, np.ndarray) else value
