"""The settings of multilayer perceptrons."""

import dataclasses
import functools
import itertools
from typing import Annotated, Literal

from fashion_zoo.activations import Activation, Initializer
from fashion_zoo.config.renames import answering
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Words, check_settings
from fashion_zoo.models import blocks
from fashion_zoo.normalizations import Normalization

ACTIVATION = Words("fashion_zoo.activations")
NORMALIZATION = Words("fashion_zoo.normalizations")
KernelInitializer = Literal[
    "auto", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal",
    "lecun_uniform",
]  # fmt: skip


@answering
@dataclasses.dataclass(frozen=True)
class MLPConfig:
    """The architecture of an MLP."""

    hidden_units: tuple[int, ...] = (512, 256, 128, 64)
    """Width of each hidden layer, from the input to the output."""
    activation: Annotated[str, ACTIVATION] = "relu"
    """Activation of the hidden layers, such as leaky_relu(0.01)."""
    normalization: Annotated[str, NORMALIZATION] = "none"
    """Normalization of the hidden layers, such as batch(momentum=0.99)."""
    normalization_position: blocks.Position = "before"
    """Position of normalization: before or after the activation."""
    dropout: tuple[float, ...] = (0.0,)
    """Dropout rate: one for all, one for each hidden layer, or first and last (linear between)."""
    kernel_initializer: KernelInitializer = "auto"
    """Initializer of every kernel; auto takes the one that fits the activation."""
    spectral_normalization: Annotated[bool, checks.flag] = False
    """Divide every kernel by its largest singular value."""
    weight_standardization: Annotated[bool, checks.flag] = False
    """Standardize the kernels of the hidden layers: mean 0 and length 1 for each unit."""
    residual: Annotated[bool, checks.flag] = False
    """Add to the dense part of a hidden layer that of the one before, if their widths are equal."""
    l2: Annotated[float, checks.not_negative] = 0.0
    """Strength of the L2 penalty on kernels: l2 x the sum of squares is added to the loss."""
    num_classes: Annotated[int, checks.at_least(2)] = 10
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
        check_settings(self)
        for rate in self.dropout:
            checks.fraction("dropout", rate)
        if len(self.dropout) not in (1, 2, len(self.hidden_units)):
            raise ConfigError(
                f"dropout must hold 1 rate, 2 (first and last) or {len(self.hidden_units)} "
                f"(one for each hidden layer), received {len(self.dropout)}: {self.dropout}."
            )
        if self.spectral_normalization and self.weight_standardization:
            raise ConfigError(
                "spectral_normalization and weight_standardization both replace the kernel, "
                "received True for both. Set one of them."
            )
        if self.residual and not self.residual_layers:
            raise ConfigError(
                "residual adds a hidden layer to the one before it if their widths are equal, "
                f"received hidden_units={self.hidden_units}, of which no two neighbors are. Give "
                "neighbors one width, or set residual=False."
            )
        divisor = self.parsed_normalization.divisor
        if wrong := [units for units in self.hidden_units if units % divisor]:
            raise ConfigError(
                f"normalization {self.normalization!r} needs widths that {divisor} divides, "
                f"received hidden_units={self.hidden_units}: {wrong[0]} is not a multiple of "
                f"{divisor}."
            )
        if divisor > 1 and divisor in self.hidden_units:
            raise ConfigError(
                f"normalization {self.normalization!r} needs groups of at least 2 units, received "
                f"hidden_units={self.hidden_units}: a single unit minus its own mean is 0."
            )

    @functools.cached_property
    def parsed_activation(self) -> Activation:
        """The ``activations.Activation`` of ``activation``."""
        return ACTIVATION.parse(self.activation)

    @functools.cached_property
    def parsed_normalization(self) -> Normalization:
        """The ``normalizations.Normalization`` of ``normalization``."""
        return NORMALIZATION.parse(self.normalization)

    @property
    def initializer(self) -> Initializer:
        """The initializer of every kernel."""
        if self.kernel_initializer == "auto":
            return self.parsed_activation.initializer
        return Initializer(self.kernel_initializer)

    @property
    def kernels(self) -> blocks.Kernels:
        """What the inputs of a hidden layer are multiplied by."""
        if self.spectral_normalization:
            return "spectral"
        return "standardized" if self.weight_standardization else "plain"

    @property
    def residual_layers(self) -> tuple[int, ...]:
        """The numbers, from 2, of the hidden layers that are added to the one before."""
        pairs = enumerate(itertools.pairwise(self.hidden_units), start=2)
        return tuple(number for number, (before, own) in pairs if self.residual and before == own)

    def digested(self) -> dict[str, str]:
        """Return what a digest has of the initializer: nothing new for He's.

        It was the default of every activation before ``auto``, and a digest of then must not be
        that of another training now.
        """
        chosen = str(self.initializer)
        return {"kernel_initializer": "auto" if chosen == "he_normal" else chosen}

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """The rate of each hidden layer."""
        depth = len(self.hidden_units)
        if len(self.dropout) == depth:
            return self.dropout
        first, last = self.dropout[0], self.dropout[-1]
        # One hidden layer with two rates has the first one.
        return tuple(first + (last - first) * layer / max(depth - 1, 1) for layer in range(depth))
