"""What the optimizers of Keras need to stand as words."""

import functools

import keras

from fashion_zoo.optimizers._tables import TabulatedDecay, TabulatedSchedule


def decaying(
    kind: type[keras.optimizers.Optimizer], weight_decay: float | TabulatedSchedule, **given
) -> keras.optimizers.Optimizer:
    """Make an optimizer whose weight decay is a number, or is looked up."""
    moves = isinstance(weight_decay, TabulatedSchedule)
    return (_tabulated(kind) if moves else kind)(weight_decay=weight_decay, **given)


@functools.cache
def _tabulated(kind: type[keras.optimizers.Optimizer]) -> type[keras.optimizers.Optimizer]:
    # Keras's own class has neither name for itself.
    own = {} if hasattr(kind, "nearest") else {"in_keras": getattr(kind, "in_keras", kind)}
    return type(f"Tabulated{kind.__name__}", (TabulatedDecay, kind), own)


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
