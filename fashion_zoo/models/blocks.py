"""Building blocks of models. Each names its layers by a number and derives their seeds."""

import functools
from typing import TYPE_CHECKING, Any, Literal

from fashion_zoo.activations import HE, Activation, Initializer
from fashion_zoo.normalizations import Normalization
from fashion_zoo.seeds import derive

if TYPE_CHECKING:
    import keras

Position = Literal["before", "after"]
Kernels = Literal["plain", "spectral", "standardized"]


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
    activation: Activation,
    normalization: Normalization,
    seed: int,
    dtype: str,
    position: Position = "before",
    dropout: float = 0.0,
    initializer: Initializer = HE,
    l2: float = 0.0,
    kernels: Kernels = "plain",
    before: Any = None,
    share: float = 1.0,
) -> tuple[Any, Any]:
    """Add a hidden layer to (batch, features): Dense, normalization, activation, dropout.

    The names of its layers end in ``number``, from 1; with them ``seed`` keys the initial kernel
    and the dropout masks. A dropout rate of 0 adds no layer, and ``l2`` penalizes the kernel.

    With ``before``, (batch, units), the output of Dense is added to it, and ``share`` multiplies
    the initial kernel.

    Returns:
        The output of the layer, and that of Dense or the sum, both (batch, units).
    """
    import keras

    from fashion_zoo.layers import ScheduledDropout, as_array

    use_bias = not (normalization.centers and position == "before")
    layer = dense(
        units, f"dense_{number}", seed=seed, dtype=dtype, initializer=initializer, l2=l2,
        kernels=kernels, use_bias=use_bias,
    )  # fmt: skip
    x = z = layer(x)
    if before is not None:
        layer.kernel.assign(as_array(layer.kernel) * share)
        x = z = keras.layers.Add(dtype=dtype, name=f"add_{number}")([before, z])
    parts = [(normalization.make, f"{normalization.name}_norm_{number}")]
    parts.insert(position == "before", (activation.make, f"{activation.name}_{number}"))
    for make, name in parts:
        x = make(dtype=dtype, name=name)(x) if make else x
    if dropout:
        name = f"dropout_{number}"
        x = ScheduledDropout(dropout, seed=derive(seed, name), dtype=dtype, name=name)(x)
    return x, z


def dense(
    units: int,
    name: str,
    *,
    seed: int,
    dtype: str,
    initializer: Initializer = HE,
    l2: float = 0.0,
    kernels: Kernels = "plain",
    use_bias: bool = True,
) -> "keras.layers.Dense":
    """Make a dense layer whose initial kernel is keyed by the seed and the name.

    ``kernels`` that are not plain multiply by a function of the kernel: see ``fashion_zoo.layers``.
    """
    import keras

    from fashion_zoo.layers import SpectralDense, StandardizedDense

    kind: Any = keras.layers.Dense
    if kernels == "spectral":
        kind = functools.partial(SpectralDense, seed=derive(seed, name, "u"))
    elif kernels == "standardized":
        kind = StandardizedDense
    return kind(
        units,
        use_bias=use_bias,
        kernel_initializer=initializer.make(derive(seed, name, "kernel")),
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
        dtype=dtype,
        name=name,
    )
