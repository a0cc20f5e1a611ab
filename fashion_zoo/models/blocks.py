"""Building blocks of models. Each names its layers by a number and derives their seeds."""

from typing import TYPE_CHECKING, Any, Literal

from fashion_zoo.seeds import derive

if TYPE_CHECKING:
    import keras

Activation = Literal["relu", "leaky_relu", "elu", "selu", "gelu", "swish"]
Normalization = Literal["batch", "layer", "group", "none"]
Position = Literal["before", "after"]
Initializer = Literal[
    "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform"
]


def flat_pixels(shape: tuple[int, ...], dtype: str) -> "tuple[keras.KerasTensor, Any]":
    """Return the input of a model, and the input scaled and flattened for a dense layer.

    They are (batch, *shape) float32 pixels in 0..255, and (batch, pixels) numbers in 0..1.
    """
    import keras

    inputs = keras.Input(shape, dtype="float32", name="pixels")
    x = keras.layers.Rescaling(1 / 255, dtype="float32", name="scale")(inputs)
    return inputs, keras.layers.Flatten(dtype=dtype, name="flatten")(x)


def hidden(
    x,
    units: int,
    number: int,
    *,
    seed: int,
    dtype: str,
    activation: Activation = "relu",
    normalization: Normalization = "none",
    position: Position = "before",
    groups: int = 32,
    dropout: float = 0.0,
    initializer: Initializer = "he_normal",
    l2: float = 0.0,
):
    """Add a hidden layer to (batch, features): Dense, normalization, activation, dropout.

    The names of its layers end in ``number``, from 1; with them ``seed`` keys the initial kernel
    and the dropout masks. A dropout rate of 0 adds no layer, and ``l2`` penalizes the kernel.
    """
    import keras

    from fashion_zoo.layers import ScheduledDropout

    # Batch normalization subtracts the mean of each unit, so a bias before it has no effect.
    use_bias = not (normalization == "batch" and position == "before")
    x = dense(
        units, f"dense_{number}", seed=seed, dtype=dtype, initializer=initializer, l2=l2,
        use_bias=use_bias,
    )(x)  # fmt: skip
    if position == "before":
        x = normalize(x, normalization, number, dtype, groups)
    x = keras.layers.Activation(activation, dtype=dtype, name=f"{activation}_{number}")(x)
    if position == "after":
        x = normalize(x, normalization, number, dtype, groups)
    if dropout:
        name = f"dropout_{number}"
        x = ScheduledDropout(dropout, seed=derive(seed, name), dtype=dtype, name=name)(x)
    return x


def dense(
    units: int,
    name: str,
    *,
    seed: int,
    dtype: str,
    initializer: Initializer = "he_normal",
    l2: float = 0.0,
    use_bias: bool = True,
) -> "keras.layers.Dense":
    """Make a dense layer whose initial kernel is keyed by the seed and the name."""
    import keras

    kernel = {"class_name": initializer, "config": {"seed": derive(seed, name, "kernel")}}
    return keras.layers.Dense(
        units,
        use_bias=use_bias,
        kernel_initializer=keras.initializers.get(kernel),
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
        dtype=dtype,
        name=name,
    )


def normalize(x, kind: Normalization, number: int, dtype: str, groups: int = 32):
    """Add a normalization of (batch, features), or none."""
    import keras

    from fashion_zoo.layers import BatchNormalization

    # Keras's default epsilon of 1e-3 is not small relative to the variance of some units.
    common = {"epsilon": 1e-5, "dtype": dtype, "name": f"{kind}_norm_{number}"}
    match kind:
        case "batch":
            # A run has a few thousand steps, for which a momentum of 0.99 would lag behind.
            return BatchNormalization(momentum=0.9, **common)(x)
        case "layer":
            return keras.layers.LayerNormalization(**common)(x)
        case "group":
            return keras.layers.GroupNormalization(groups, **common)(x)
        case _:
            return x
