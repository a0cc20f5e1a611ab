"""Models of several models, in Keras's own layers."""

import math
from collections.abc import Sequence

import keras
import numpy as np

from fashion_zoo.machine import precision


@precision.keras_defaults()
def mean_model(models: Sequence[keras.Model], weights: Sequence[float]) -> keras.Model:
    """Return a model whose logits are the logarithm of a weighted mean of probabilities.

    It is computed as a sum of exponentials whose largest is taken out first, so that no probability
    is rounded to 0.

    Args:
        models: models from (batch, *shape) pixels in 0..255 to (batch, classes) logits, compiled.
        weights: the weight of each, above 0; they sum to 1.
    """
    inputs, several = _log_probabilities(models)
    each = []
    for number, (one, weight) in enumerate(zip(several, weights, strict=True), 1):
        shift = math.log(weight)
        one = keras.layers.Rescaling(1.0, shift, dtype="float32", name=f"weight_{number}")(one)
        each.append(keras.layers.Reshape((1, one.shape[-1]), name=f"row_{number}")(one))
    rows = each[0]
    if len(each) > 1:
        rows = keras.layers.Concatenate(axis=1, dtype="float32", name="rows")(each)
    return _compiled(keras.Model(inputs, keras.ops.logsumexp(rows, axis=1), name="mean"), models)


@precision.keras_defaults()
def stacked_model(
    models: Sequence[keras.Model], kernel: np.ndarray, bias: np.ndarray
) -> keras.Model:
    """Return a model with a dense layer of the log-probabilities of others.

    Args:
        models: as ``mean_model`` takes them.
        kernel: (models * classes, classes), a row per log-probability, those of a model together.
        bias: (classes,).
    """
    inputs, several = _log_probabilities(models)
    rows = several[0]
    if len(several) > 1:
        rows = keras.layers.Concatenate(axis=-1, dtype="float32", name="rows")(several)
    dense = keras.layers.Dense(len(bias), dtype="float32", name="logits")
    model = keras.Model(inputs, dense(rows), name="stack")
    dense.set_weights([kernel.astype("float32"), bias.astype("float32")])
    return _compiled(model, models)


@precision.keras_defaults()
def calibrated(model: keras.Model, temperature: float) -> keras.Model:
    """Return a model whose logits are those of another, divided by a temperature."""
    scale = keras.layers.Rescaling(1 / temperature, dtype="float32", name="temperature")
    changed = keras.Model(model.inputs[0], scale(model.outputs[0]), name=model.name)
    return _compiled(changed, [model])


def _log_probabilities(
    models: Sequence[keras.Model],
) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
    """Return the input of several models, in the shape of the first, and their log-probabilities.

    Each is a layer of its own, because the names of their layers are the same.
    """
    shape = models[0].input_shape[1:]
    inputs, found = keras.Input(shape, dtype="float32", name="pixels"), []
    for number, model in enumerate(models, 1):
        own, x = model.input_shape[1:], inputs
        if own != shape:
            x = keras.layers.Reshape(own, dtype="float32", name=f"pixels_{number}")(x)
        member = keras.Model(model.inputs[0], model.outputs[0], name=f"member_{number}")
        name = f"log_probabilities_{number}"
        log_softmax = keras.layers.Activation("log_softmax", dtype="float32", name=name)
        found.append(log_softmax(member(x)))
    return inputs, found


def _compiled(model: keras.Model, models: Sequence[keras.Model]) -> keras.Model:
    """Compile a model with an optimizer like that of the first of others."""
    stored = keras.optimizers.serialize(models[0].optimizer)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float32")
    model.compile(keras.optimizers.deserialize(stored), loss=loss, auto_scale_loss=False)
    return model
