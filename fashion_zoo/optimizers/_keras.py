"""What the optimizers of Keras need to stand as words."""

from typing import Any

import keras

from fashion_zoo.optimizers._tables import TabulatedDecay, TabulatedSchedule


def decaying(
    kind: type[keras.optimizers.Optimizer], weight_decay: float | TabulatedSchedule, **given
) -> keras.optimizers.Optimizer:
    """Make an optimizer whose weight decay is a number, or is looked up."""
    moves = isinstance(weight_decay, TabulatedSchedule)
    return (_tabulated(kind) if moves else kind)(weight_decay=weight_decay, **given)


def _tabulated(kind: Any) -> Any:
    # Keras's own class has neither name for itself.
    own = {} if hasattr(kind, "nearest") else {"in_keras": getattr(kind, "in_keras", kind)}
    return type(f"Tabulated{kind.__name__}", (TabulatedDecay, kind), own)


def copies(
    optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable], name: str
) -> list[keras.Variable]:
    """Add a variable for each variable, which starts at its value.

    ``fit`` may build an optimizer while a step is traced, where an assignment is of no effect on
    what an initializer has set.
    """
    return [
        optimizer.add_variable_from_reference(
            one, name, initializer=lambda shape, dtype, one=one: keras.ops.copy(one.value)
        )
        for one in variables
    ]


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduleFreeAdamW(keras.optimizers.ScheduleFreeAdamW):
    """Keras's ScheduleFreeAdamW, with the initial weights and the average of its paper.

        z' = z - rate g / (sqrt(v / (1 - beta_2^t)) + epsilon)
        x' = (1 - 1 / t) x + z' / t,  y' = (1 - beta_1) z' + beta_1 x'

    The weights are ``y``, at which ``g`` was computed, and ``x`` is recovered from them and ``z``.
    In Keras's own with TensorFlow, ``z`` is 0 when ``fit`` begins, and ``x`` is recovered from the
    new ``z``, so that it is no average.

    Reference: Defazio et al. 2024, arXiv:2405.15682, equations 1 to 3.
    """

    in_keras = keras.optimizers.ScheduleFreeAdamW

    def build(self, variables):
        """Make ``z`` and the mean squares."""
        if self.built:
            return
        keras.optimizers.Optimizer.build(self, variables)
        self._momentums = copies(self, variables, "momentum")
        self._velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        ops, dtype = keras.ops, variable.dtype
        rate, gradient, t = (
            ops.cast(one, dtype) for one in (learning_rate, gradient, self.iterations + 1)
        )
        beta_1, beta_2 = (ops.convert_to_tensor(one, dtype) for one in (self.beta_1, self.beta_2))
        if self.warmup_steps:
            rate = rate * ops.minimum(t / self.warmup_steps, 1.0)
        place = self._get_variable_index(variable)
        z, v = (ops.convert_to_tensor(one[place]) for one in (self._momentums, self._velocities))
        x = (ops.convert_to_tensor(variable) - (1 - beta_1) * z) / beta_1
        v = beta_2 * v + (1 - beta_2) * ops.square(gradient)
        z = z - rate * gradient / (ops.sqrt(v / (1 - beta_2**t)) + self.epsilon)
        x = x + (z - x) / t
        self.assign(self._velocities[place], v)
        self.assign(self._momentums[place], z)
        self.assign(variable, (1 - beta_1) * z + beta_1 * x)


@keras.saving.register_keras_serializable("fashion_zoo")
class Muon(keras.optimizers.Muon):
    """Keras's Muon with one weight decay for all kernels, and Adam for the kernel of the logits.

    Reference: Jordan et al. 2024, kellerjordan.github.io/posts/muon; the scale of the step is that
    of Liu et al. 2025, arXiv:2502.16982.
    """

    in_keras = keras.optimizers.Muon

    def __init__(self, exclude_layers=("logits",), **kwargs):
        kwargs["adam_weight_decay"] = 0.0
        super().__init__(exclude_layers=list(exclude_layers), **kwargs)

    def _apply_weight_decay(self, variables):
        # Keras's own takes a number for the weights that Adam updates.
        keras.optimizers.Optimizer._apply_weight_decay(self, variables)
