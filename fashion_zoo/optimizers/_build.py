"""The optimizers as Keras classes, and how one is made from a word and the numbers of a training.

``FusedAdam`` uses TensorFlow's fused kernel; other backends take Keras's way. Learning rate and
weight decay can be tables that are looked up in the graph, on any backend.
"""

from typing import Any

import keras
import numpy as np

from fashion_zoo.errors import ConfigError
from fashion_zoo.layers import as_array
from fashion_zoo.optimizers._words import Optimizer


@keras.saving.register_keras_serializable("fashion_zoo")
class FusedAdam(keras.optimizers.Adam):
    """Adam by TensorFlow's fused kernel, one per variable, instead of a dozen small operations.

    Formula and arguments are Keras's. The kernel computes ``1 - beta_2`` from a float32 ``beta_2``,
    which changes an update by a few millionths of itself. Another backend, a distribution strategy,
    amsgrad, a sparse gradient and a variable that is not float32 use Keras's implementation.

    Reference: Kingma & Ba 2015, arXiv:1412.6980, the form before section 2.1.
    """

    in_keras = keras.optimizers.Adam
    _powers: Any = None

    def apply(self, grads, trainable_variables=None):
        """Update the variables; see ``keras.optimizers.Optimizer.apply``."""
        self._powers = None  # tensors of the step that is being traced
        super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        if not self._kernel_fits(gradient, variable):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        if self._powers is None:
            step = tf.cast(self.iterations + 1, tf.float32)
            self._powers = [tf.pow(beta, step) for beta in (self.beta_1, self.beta_2)]
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=self._powers[0],
            beta2_power=self._powers[1],
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, tf.float32),
        )

    def _kernel_fits(self, gradient, variable) -> bool:
        if keras.backend.backend() != "tensorflow":
            return False
        import tensorflow as tf

        return not (
            tf.distribute.has_strategy()
            or self.amsgrad
            or isinstance(gradient, tf.IndexedSlices)
            or keras.backend.standardize_dtype(variable.dtype) != "float32"
        )


def _handle(variable):
    """Return the resource of a Keras variable or a tf.Variable."""
    return (variable if hasattr(variable, "handle") else variable.value).handle


@keras.saving.register_keras_serializable("fashion_zoo")
class FusedAdamW(FusedAdam, keras.optimizers.AdamW):
    """Adam with decoupled weight decay, 0.004 by default, as ``keras.optimizers.AdamW``.

    The arguments are Keras's, in its order.

    Raises:
        ValueError: if ``weight_decay`` is None.

    Reference: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
    """

    in_keras = keras.optimizers.AdamW


@keras.saving.register_keras_serializable("fashion_zoo")
class TabulatedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate looked up by the optimizer's step counter.

    A table is exact on every backend and under any ``steps_per_execution``, and a schedule can be
    a plain Python function. ``factor``, if it is set, is a variable of the optimizer by which the
    rate is multiplied.

    Args:
        values: the learning rate of each step, float32; later steps use the last one.

    Raises:
        ValueError: if there are no values.
    """

    factor: Any = None

    def __init__(self, values):
        self.values = np.asarray(values, dtype="float32")
        if not self.values.size:
            raise ValueError("A schedule needs the value of at least one step, received none.")

    def __call__(self, step):
        last = len(self.values) - 1
        index = keras.ops.minimum(keras.ops.cast(step, "int32"), last)
        rate = keras.ops.take(keras.ops.convert_to_tensor(self.values), index)
        return rate if self.factor is None else rate * self.factor

    def get_config(self):
        return {"values": self.values.tolist()}


class TabulatedDecay(keras.optimizers.Optimizer):
    """A base class, before a Keras optimizer, whose weight decay is looked up by the step counter.

        w = w - learning_rate(step) * weight_decay(step) * w,  then the optimizer's update

    As for a learning rate in Keras, steps that only accumulate a gradient count.

    In Keras, ``weight_decay`` is a Python float that is baked into the graph when the training
    step is traced; setting it later changes nothing.

    Args:
        weight_decay: a ``TabulatedSchedule``, or its config.
        **kwargs: arguments of the optimizer.
    """

    _decay_table: Any = None  # Keras's constructor reads the property

    def __init__(self, weight_decay, **kwargs):
        if isinstance(weight_decay, dict):
            weight_decay = keras.saving.deserialize_keras_object(weight_decay)
        super().__init__(weight_decay=0.0, **kwargs)
        self._decay_table = weight_decay

    @property
    def weight_decay(self):
        """The weight decay of the next step, a scalar tensor."""
        return 0.0 if self._decay_table is None else self.weight_decay_at(self._iterations)

    @weight_decay.setter
    def weight_decay(self, value):
        """Ignore the number that Keras assigns; the table replaces it."""

    def weight_decay_at(self, step):
        """Return the weight decay of a step."""
        return self._decay_table(step)

    def get_config(self):
        decay = keras.saving.serialize_keras_object(self._decay_table)
        return {**super().get_config(), "weight_decay": decay}


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduledAdamW(TabulatedDecay, FusedAdamW):
    """AdamW whose weight decay is looked up by its step counter.

    Reference: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, with its schedule on the
    decay, too.
    """


def counting(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer that has the step and the rate: without the wrapper of loss scaling."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def set_rate_factor(optimizer: keras.optimizers.Optimizer, factor: float) -> None:
    """Multiply the tabulated learning rate of the next steps; ``adjustable`` made it possible."""
    counting(optimizer)._learning_rate.factor.assign(factor)


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
    kind = getattr(inner, "in_keras", type(inner))
    # Keras's fit would overwrite the weights by an average at its end.
    applied = last_step(inner)
    if "momentum" in applied:
        applied[inner._momentum_name] = applied.pop("momentum")
    plain = kind.from_config({**inner.get_config(), **applied, "use_ema": False})
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return keras.optimizers.LossScaleOptimizer(plain)
    return plain


def build_optimizer(
    chosen: Optimizer,
    *,
    learning_rate: float | np.ndarray,
    weight_decay: float | np.ndarray = 0.0,
    momentum: float | np.ndarray = 0.0,
    clip_norm: float | None = None,
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
        clip_norm: largest global norm of the gradient; None does not clip.
        scale_loss: whether to wrap it in dynamic loss scaling, which float16 needs
            (Micikevicius et al. 2018, arXiv:1710.03740).
        adjustable: whether ``set_rate_factor`` can multiply a table of the learning rate.
        average_decay: decay per step of an exponential average of the weights, which ``averaged``
            returns; None makes none.

    Raises:
        ConfigError: if the weight decay moves, and the optimizer does not look it up.
    """
    arguments = {"learning_rate": _live(learning_rate), "global_clipnorm": clip_norm}
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
    if adjustable and isinstance(learning_rate, np.ndarray):
        # A variable of the schedule would be frozen on jax, which knows those of the optimizer.
        optimizer._learning_rate.factor = optimizer.add_variable(
            shape=(), initializer="ones", dtype="float32", name="learning_rate_factor"
        )
    if average_decay is not None:
        optimizer.use_ema, optimizer.ema_momentum = True, average_decay
        # fit calls it at its end, where validation has not chosen between weights and average yet.
        optimizer.finalize_variable_values = lambda variables: None
    return keras.optimizers.LossScaleOptimizer(optimizer) if scale_loss else optimizer


def _live(value: float | np.ndarray) -> float | TabulatedSchedule:
    return TabulatedSchedule(value) if isinstance(value, np.ndarray) else value
