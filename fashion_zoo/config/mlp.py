"""What a multilayer perceptron is made of."""

import dataclasses
from typing import Literal

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks

Activation = Literal["relu", "leaky_relu", "elu", "selu", "gelu", "swish"]
Normalization = Literal["batch", "layer", "group", "none"]
Position = Literal["before", "after"]
Initializer = Literal[
    "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform"
]


@dataclasses.dataclass(frozen=True)
class MLPConfig:
    """What an MLP is made of; the options of the family ``mlp``."""

    hidden_units: tuple[int, ...] = (512, 256, 128, 64)
    """Width of each hidden layer, from the input to the output."""
    activation: Activation = "relu"
    """Activation of the hidden layers."""
    normalization: Normalization = "none"
    """Normalization of the hidden layers."""
    normalization_position: Position = "before"
    """Where normalization stands: before or after the activation."""
    groups: int = 32
    """Number of groups of group normalization; it must divide every width."""
    dropout: tuple[float, ...] = (0.0,)
    """Dropout rate: one for all, one for each hidden layer, or first and last (linear between)."""
    kernel_initializer: Initializer = "he_normal"
    """Initializer of every kernel."""
    l2: float = 0.0
    """Strength of the L2 penalty on kernels: l2 x the sum of squares is added to the loss."""
    num_classes: int = 10
    """Number of classes, which is the number of logits."""
    input_shape: tuple[int, ...] = (28, 28)
    """Shape of one image, or of one flat vector."""

    def __post_init__(self) -> None:
        for name in ("hidden_units", "dropout", "input_shape"):
            object.__setattr__(self, name, checks.sequence(name, getattr(self, name)))
        for name in ("hidden_units", "input_shape"):
            if not getattr(self, name):
                raise ConfigError(f"{name} must hold at least one number, received ().")
            for size in getattr(self, name):
                checks.whole(name, size, 1)
        checks.choice("activation", self.activation, Activation)
        checks.choice("normalization", self.normalization, Normalization)
        checks.choice("normalization_position", self.normalization_position, Position)
        checks.choice("kernel_initializer", self.kernel_initializer, Initializer)
        checks.whole("groups", self.groups, 1)
        checks.whole("num_classes", self.num_classes, 2)
        checks.not_negative("l2", self.l2)
        for rate in self.dropout:
            checks.fraction("dropout", rate)
        if len(self.dropout) not in (1, 2, len(self.hidden_units)):
            raise ConfigError(
                f"dropout must hold 1 rate, 2 (first and last) or {len(self.hidden_units)} "
                f"(one for each hidden layer), received {len(self.dropout)}: {self.dropout}."
            )
        if self.normalization == "group":
            for units in self.hidden_units:
                if units % self.groups:
                    raise ConfigError(
                        f"groups must divide every width of hidden_units, received groups="
                        f"{self.groups} and hidden_units={self.hidden_units}: {units} is not "
                        f"a multiple of {self.groups}."
                    )

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """The rate of each hidden layer, as ``dropout`` spells it out."""
        depth = len(self.hidden_units)
        if len(self.dropout) == depth:
            return self.dropout
        first, last = self.dropout[0], self.dropout[-1]
        # Only one hidden layer and two rates: the layer is the first one.
        return tuple(first + (last - first) * layer / max(depth - 1, 1) for layer in range(depth))
