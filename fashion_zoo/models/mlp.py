"""The family of multilayer perceptrons: its builder and its recipes."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from fashion_zoo.config import RunConfig, SchedulesConfig, TrainingConfig
from fashion_zoo.models import blocks
from fashion_zoo.models.mlp_config import MLPConfig
from fashion_zoo.models.mlp_space import MLPSpace
from fashion_zoo.registry import register, register_variant

if TYPE_CHECKING:
    import keras

NORMALIZED = "Ioffe & Szegedy 2015, arXiv:1502.03167"
SMOOTHED = f"{NORMALIZED}; label smoothing: Szegedy et al. 2016, arXiv:1512.00567"
MIXED = f"{NORMALIZED}; CutMix: Yun et al. 2019, arXiv:1905.04899"


def mlp(config: MLPConfig, *, name: str, seed: int = 0, dtype: str = "float32") -> "keras.Model":
    """Build a multilayer perceptron: pixels in, logits out.

        h_0 = flatten(pixels / 255)
        z_i = W_i h_(i-1) + b_i
        h_i = dropout(activation(norm(z_i)))
        logits = W h_n + b

    With ``residual``, layers i of the same width as the one before have

        z_i = z_(i-1) + W_i h_(i-1) + b_i

    which is the residual block with pre-activation of He et al. 2016, of one layer: normalization,
    activation and dropout are in the branch, and nothing is on the path from z to z. The first
    layer, whose inputs are pixels, has no such path. With L residual layers, their initial kernels
    are divided by sqrt(L). With an initializer that fits, each branch then adds 1 / L of the
    variance of z, or 1 / L behind a normalization; (1 + 1 / L)^L < e, however many there are (Hayou
    et al. 2021, arXiv:2010.12859).

    Args:
        config: the options of the family.
        name: name of the model.
        seed: key of the initial kernels and the dropout masks.
        dtype: dtype policy of the layers. Input and logits are float32 under every policy.

    Returns:
        An uncompiled functional model from (batch, *input_shape) float32 pixels in 0..255 to
        (batch, num_classes) float32 logits.

    Reference: Goodfellow, Bengio & Courville 2016, Deep Learning, chapter 6; He et al. 2016,
    arXiv:1603.05027, figure 4 (e), for ``residual``.
    """
    import keras

    kernels: dict[str, Any] = {"initializer": config.initializer, "l2": config.l2}
    inputs, x = blocks.flat_pixels(config.input_shape, dtype)
    z, residual = None, config.residual_layers
    share = 1 / math.sqrt(max(len(residual), 1))
    layers = zip(config.hidden_units, config.dropout_rates, strict=True)
    for number, (units, rate) in enumerate(layers, start=1):
        x, z = blocks.hidden(
            x, units, number, before=z if number in residual else None, share=share,
            seed=seed, dtype=dtype, dropout=rate,
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
    reference=NORMALIZED,
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
    reference=SMOOTHED,
    tags=("mlp", "batch_norm", "quick"),
)


LARGE = register_variant(
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
    reference=MIXED,
    tags=("mlp", "batch_norm", "dropout", "augmentation", "large"),
    space=MLPSpace(
        normalization="'batch'",
        augmentation="choice('none', 'flip', 'flip | translate(1)', 'standard')",
    ),
)


register_variant(
    "bn_mlp.strongest",
    {
        "model": {"hidden_units": (1536, 1024, 1024), "dropout": 0.2},
        "training": {
            "epochs": 300,
            "batch_size": 512,
            "learning_rate": 5e-3,
            "augmentation": "standard | rotate(4) | cutmix(1, 0.5)",
        },
        "precision": "auto",
    },
    summary="bn_mlp.large with a wider first layer, more dropout, and many more epochs.",
    parameters=3_843_082,
    reference=MIXED,
    tags=("mlp", "batch_norm", "dropout", "augmentation", "large"),
    space=dataclasses.replace(
        LARGE.space,
        units="choice(512, 1024, 1536, 2048)",
        augmentation="choice('flip | translate(1)', 'standard', 'standard | rotate(4)')",
    ),
)


register_variant(
    "bn_mlp.tiny",
    {
        "model": {"hidden_units": (112, 80), "dropout": 0.0},
        "training": {
            "epochs": 400,
            "learning_rate": 5e-3,
            "augmentation": LARGE.config.training.augmentation,
            "schedules": {"mixing": LARGE.config.training.schedules.mixing},
        },
    },
    summary="bn_mlp of under 100,000 parameters: two narrow layers and very many epochs.",
    parameters=97_962,
    reference=MIXED,
    tags=("mlp", "batch_norm", "augmentation", "tiny"),
    space=dataclasses.replace(LARGE.space, units="choice(48, 64, 80, 96, 112)"),
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
