"""The family of multilayer perceptrons: its options, its builder and its recipes."""

import dataclasses
import functools
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fashion_zoo.activations import Activation, Initializer
from fashion_zoo.config import RunConfig, SchedulesConfig, TrainingConfig
from fashion_zoo.config.renames import answering
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Words, check_settings
from fashion_zoo.models import blocks
from fashion_zoo.models.mlp_space import MLPSpace
from fashion_zoo.normalizations import Normalization
from fashion_zoo.registry import register, register_variant

if TYPE_CHECKING:
    import keras

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


def mlp(config: MLPConfig, *, name: str, seed: int = 0, dtype: str = "float32") -> "keras.Model":
    """Build a multilayer perceptron: pixels in, logits out.

        h_0 = flatten(pixels / 255)
        h_i = dropout(activation(norm(W_i h_(i-1) + b_i)))
        logits = W h_n + b

    Args:
        config: the options of the family.
        name: name of the model.
        seed: key of the initial kernels and the dropout masks.
        dtype: dtype policy of the layers. Input and logits are float32 under every policy.

    Returns:
        An uncompiled functional model from (batch, *input_shape) float32 pixels in 0..255 to
        (batch, num_classes) float32 logits.

    Reference: Goodfellow, Bengio & Courville 2016, Deep Learning, chapter 6.
    """
    import keras

    kernels: dict[str, Any] = {"initializer": config.initializer, "l2": config.l2}
    inputs, x = blocks.flat_pixels(config.input_shape, dtype)
    layers = zip(config.hidden_units, config.dropout_rates, strict=True)
    for number, (units, rate) in enumerate(layers, start=1):
        x = blocks.hidden(
            x, units, number, seed=seed, dtype=dtype, dropout=rate,
            activation=config.parsed_activation, normalization=config.parsed_normalization,
            position=config.normalization_position, kernels=config.kernels, **kernels,
        )  # fmt: skip
    # Standardized, the logits of all classes would have one scale and could not grow.
    last: blocks.Kernels = "spectral" if config.spectral_normalization else "plain"
    logits = blocks.dense(
        config.num_classes, "logits", seed=seed, dtype="float32", kernels=last, **kernels
    )
    return keras.Model(inputs, logits(x), name=name)


@register(
    RunConfig(model=MLPConfig()),
    parameters=575_050,
    reference="Goodfellow, Bengio & Courville 2016, Deep Learning, chapter 6",
    tags=("mlp",),
    space=MLPSpace(normalization="'none'", dropout="0", l2="0", weight_decay="0"),
)
def baseline_mlp(config: MLPConfig, *, seed: int = 0, dtype: str = "float32"):
    """Dense layers and ReLU alone: the measure of the others.

    ``python -m recipes.train baseline_mlp``
    """
    return mlp(config, name="baseline_mlp", seed=seed, dtype=dtype)


@register(
    RunConfig(
        model=MLPConfig(normalization="batch", dropout=(0.2,)),
        training=TrainingConfig(learning_rate=3e-3),
    ),
    parameters=576_010,
    reference="Ioffe & Szegedy 2015, arXiv:1502.03167",
    tags=("mlp", "batch_norm", "dropout"),
    space=MLPSpace(normalization="'batch'"),
)
def bn_mlp(config: MLPConfig, *, seed: int = 0, dtype: str = "float32"):
    """Batch normalization and a little dropout, at three times the learning rate.

    ``python -m recipes.train bn_mlp``
    """
    return mlp(config, name="bn_mlp", seed=seed, dtype=dtype)


register_variant(
    "bn_mlp.quick",
    {
        "model": {"hidden_units": (384, 128), "dropout": 0.0},
        "training": {
            "epochs": 10,
            "batch_size": 512,
            "learning_rate": 1.2e-2,
            "label_smoothing": 0.1,
        },
        "precision": "auto",
    },
    summary="bn_mlp in seconds: two layers, large batches, smoothed labels.",
    parameters=352_522,
    tags=("quick",),
)


register_variant(
    "bn_mlp.large",
    {
        "model": {"hidden_units": (1024, 1024, 1024), "dropout": 0.05},
        "training": {
            "epochs": 100,
            "batch_size": 512,
            "learning_rate": 5e-3,
            "augmentation": "flip | translate(1) | cutmix(1, 0.5)",
            "schedules": {"mixing": "step(0, at=[0.8])"},  # it ends on images that are whole
        },
        "precision": "auto",
    },
    summary="bn_mlp as good as it gets in minutes: three wide layers and augmented images.",
    parameters=2_916_362,
    tags=("large", "augmentation"),
    space=MLPSpace(
        normalization="'batch'",
        augmentation="choice('none', 'flip', 'flip | translate(1)', 'standard')",
    ),
)


@register(
    RunConfig(
        model=MLPConfig(normalization="batch", dropout=(0.3, 0.1)),
        training=TrainingConfig(learning_rate=3e-3, schedules=SchedulesConfig(dropout="linear")),
    ),
    parameters=576_010,
    reference="Srivastava et al. 2014, JMLR 15(56); schedule: rate x (1 - progress)",
    tags=("mlp", "batch_norm", "dropout", "schedule"),
    space=MLPSpace(
        normalization="'batch'",
        dropout="uniform(0.02, 0.5)",
        dropout_schedule="choice('linear', 'cosine')",
    ),
)
def adaptive_dropout_mlp(config: MLPConfig, *, seed: int = 0, dtype: str = "float32"):
    """Dropout that falls with depth and with training progress.

    ``python -m recipes.train adaptive_dropout_mlp``
    """
    return mlp(config, name="adaptive_dropout_mlp", seed=seed, dtype=dtype)


@register(
    RunConfig(model=MLPConfig(l2=3e-5)),
    parameters=575_050,
    reference="Krogh & Hertz 1991, NIPS 4",
    tags=("mlp", "l2"),
    space=MLPSpace(
        normalization="'none'",
        dropout="0",
        optimizer="choice('adam', 'sgd')",
        l2="log(1e-6, 1e-3)",
    ),
)
def l2_mlp(config: MLPConfig, *, seed: int = 0, dtype: str = "float32"):
    """An L2 penalty on the kernels, never on biases.

    ``python -m recipes.train l2_mlp``
    """
    return mlp(config, name="l2_mlp", seed=seed, dtype=dtype)
