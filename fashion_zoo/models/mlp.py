"""The family of multilayer perceptrons and its four first recipes."""

from typing import TYPE_CHECKING

from fashion_zoo.config import MLPConfig, RunConfig, SchedulesConfig, TrainingConfig
from fashion_zoo.registry import register, register_variant
from fashion_zoo.seeds import derive
from fashion_zoo.spaces import MLPSpace

if TYPE_CHECKING:
    import keras


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

    inputs = keras.Input(config.input_shape, dtype="float32", name="pixels")
    x = keras.layers.Rescaling(1 / 255, dtype="float32", name="scale")(inputs)
    x = keras.layers.Flatten(dtype=dtype, name="flatten")(x)
    for number, rate in enumerate(config.dropout_rates, start=1):
        x = _hidden(x, config, number, rate, seed, dtype)
    outputs = _dense(config.num_classes, "logits", config, seed, "float32")(x)
    return keras.Model(inputs, outputs, name=name)


def _hidden(x, config: MLPConfig, number: int, rate: float, seed: int, dtype: str):
    """Add one hidden layer: Dense, normalization, activation, dropout."""
    import keras

    from fashion_zoo.layers import ScheduledDropout

    norm_first = config.normalization_position == "before"
    # Batch normalization subtracts the mean of each unit, so a bias in front of it does nothing.
    use_bias = not (config.normalization == "batch" and norm_first)
    units = config.hidden_units[number - 1]
    x = _dense(units, f"dense_{number}", config, seed, dtype, use_bias=use_bias)(x)
    if norm_first:
        x = _normalize(x, config, number, dtype)
    x = keras.layers.Activation(
        config.activation, dtype=dtype, name=f"{config.activation}_{number}"
    )(x)
    if not norm_first:
        x = _normalize(x, config, number, dtype)
    if rate:
        name = f"dropout_{number}"
        x = ScheduledDropout(rate, seed=derive(seed, name), dtype=dtype, name=name)(x)
    return x


def _dense(
    units: int, name: str, config: MLPConfig, seed: int, dtype: str, *, use_bias: bool = True
):
    import keras

    initializer = keras.initializers.get(
        {
            "class_name": config.kernel_initializer,
            "config": {"seed": derive(seed, name, "kernel")},
        }
    )
    return keras.layers.Dense(
        units,
        use_bias=use_bias,
        kernel_initializer=initializer,
        kernel_regularizer=keras.regularizers.L2(config.l2) if config.l2 else None,
        dtype=dtype,
        name=name,
    )


def _normalize(x, config: MLPConfig, number: int, dtype: str):
    import keras

    from fashion_zoo.layers import BatchNormalization

    # Keras's own epsilon is 1e-3, which is not small beside the variance of a quiet unit.
    common = {"epsilon": 1e-5, "dtype": dtype, "name": f"{config.normalization}_norm_{number}"}
    match config.normalization:
        case "batch":
            # Momentum 0.9: a run has a few thousand steps, and 0.99 would lag behind them.
            return BatchNormalization(momentum=0.9, **common)(x)
        case "layer":
            return keras.layers.LayerNormalization(**common)(x)
        case "group":
            return keras.layers.GroupNormalization(config.groups, **common)(x)
        case _:
            return x


@register(
    RunConfig(),
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
