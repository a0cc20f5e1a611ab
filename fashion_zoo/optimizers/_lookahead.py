"""Lookahead around any Keras optimizer."""

from typing import Any

import keras

from fashion_zoo.optimizers._keras import copies


class Lookahead(keras.optimizers.Optimizer):
    """A base class, before a Keras optimizer, that pulls its weights back every ``k`` updates.

        w = update of the optimizer
        every k updates:  slow = slow + alpha (w - slow),  w = slow

    ``slow`` starts at the weights for which it is built. The optimizer keeps its own state.

    Reference: Zhang et al. 2019, arXiv:1907.08610, algorithm 1.
    """

    k: int
    """Updates of the optimizer for one of the slow weights."""
    alpha: float
    """Step of the slow weights, in (0, 1]."""
    nearest: Any

    def build(self, variables):
        """Make the slow weights, beside the variables of the optimizer."""
        if self.built:
            return
        super().build(variables)
        self._slow = copies(self, variables, "slow")

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        super().update_step(gradient, variable, learning_rate)
        ops, slow = keras.ops, self._slow[self._get_variable_index(variable)]
        last = ops.equal(ops.mod(self.iterations + 1, self.k), 0)
        before, fast = ops.convert_to_tensor(slow), ops.convert_to_tensor(variable)
        pulled = before + self.alpha * (fast - before)
        self.assign(slow, ops.where(last, pulled, before))
        self.assign(variable, ops.where(last, pulled, fast))


def looking_ahead(
    optimizer: keras.optimizers.Optimizer, k: int, alpha: float
) -> keras.optimizers.Optimizer:
    """Give an optimizer that is not built yet slow weights in place, and return it."""
    kind = type(optimizer)
    nearest = getattr(kind, "nearest", getattr(kind, "in_keras", kind))
    own = {"k": k, "alpha": alpha, "nearest": nearest}
    # A wrapper would have to share counter, rate, decay and variables with what it wraps.
    made = type(f"Lookahead{kind.__name__}", (Lookahead, kind), own)
    object.__setattr__(optimizer, "__class__", made)  # Keras's own tracks what is assigned
    return optimizer
