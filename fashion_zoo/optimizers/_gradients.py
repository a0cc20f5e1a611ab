"""What a training does with the gradient of an update: it is measured, and clipped."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras

from fashion_zoo.layers import as_array

_MEASURED = "measured_"  # names of the variables that hold measurements


class Measures:
    """Measurements of the gradients of an epoch, in variables of an optimizer.

    Variables, because jax keeps nothing else of a step, and ``fit`` shows callbacks nothing of the
    steps within an execution. They begin anew with each epoch and are in no checkpoint.

    Args:
        optimizer: the optimizer, before it is built.
        names: ``gradient_norm``, the norm over all weights; ``zero_gradients``, the fraction of
            entries that are exactly 0.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, names: Sequence[str]):
        def variable(name: str) -> keras.Variable:
            return optimizer.add_variable(
                shape=(),
                dtype="float32",
                aggregation="only_first_replica",  # several devices have the same gradients by then
                name=_MEASURED + name,
            )

        self.updates = variable("updates")
        self.sums = {name: variable(name) for name in names}
        self.largest = variable("largest_norm")

    def add(self, gradients: Sequence[Any]) -> None:
        """Measure the gradients of an update."""
        ops = keras.ops
        self.updates.assign(self.updates + 1.0)
        for name, total in self.sums.items():
            if name == "gradient_norm":
                now = ops.sqrt(sum(ops.sum(ops.square(one)) for one in gradients))
                self.largest.assign(ops.maximum(self.largest, now))
            else:
                zeros = sum(ops.sum(ops.cast(ops.equal(one, 0), "float32")) for one in gradients)
                now = zeros / sum(math.prod(one.shape) for one in gradients)
            total.assign(total + now)

    def start(self) -> None:
        """Forget what was measured."""
        for variable in (self.updates, self.largest, *self.sums.values()):
            variable.assign(0.0)

    def read(self) -> dict[str, float]:
        """Return the mean of each measurement, NaN without an update, and the largest norm."""
        number = float(as_array(self.updates)) or math.nan
        found = {name: float(as_array(total)) / number for name, total in self.sums.items()}
        if "gradient_norm" in found:
            found["gradient_norm_max"] = float(as_array(self.largest))
        return found


def prepare(
    optimizer: keras.optimizers.Optimizer,
    clip: Callable[[Sequence[Any], Sequence[Any]], list[Any]] | None,
    measures: Sequence[str],
) -> None:
    """Let an optimizer measure the gradient of each update, and clip it if Keras does not.

    Keras calls ``_clip_gradients`` with the gradient of an update, unscaled and accumulated, and
    has no public hook there. It does not say which variables the gradients are of, which
    ``_backend_apply_gradients`` knows.
    """
    if clip is None and not measures:
        return
    apply_in_keras, clip_in_keras = optimizer._backend_apply_gradients, optimizer._clip_gradients
    found = Measures(optimizer, measures) if measures else None
    variables: list[Any] = []

    def apply(gradients, trainable_variables):
        variables[:] = trainable_variables
        apply_in_keras(gradients, trainable_variables)

    def change(gradients):
        if found is not None:
            found.add(gradients)
        return clip_in_keras(gradients) if clip is None else clip(gradients, variables)

    optimizer._backend_apply_gradients, optimizer._clip_gradients = apply, change
    optimizer.measures = found


def is_measured(variable: keras.Variable) -> bool:
    """Return whether a variable of an optimizer holds a measurement."""
    return str(variable.name).startswith(_MEASURED)
