"""A model opened at each of its layers: their outputs, and the gradients there."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from fashion_zoo.errors import ConfigError
from fashion_zoo.layers import as_array
from fashion_zoo.machine import precision
from fashion_zoo.training.gradients import gradients

_ACTIVATIONS = (
    keras.layers.Activation, keras.layers.ELU, keras.layers.LeakyReLU, keras.layers.PReLU,
    keras.layers.ReLU, keras.layers.Softmax,
)  # fmt: skip
_SCALE = 1024.0  # of the loss, a power of two, so that small gradients are numbers in float16


class Tap(NamedTuple):
    """A layer that is looked at."""

    layer: keras.layers.Layer
    output: Any
    """Symbolic output."""
    added: keras.layers.Layer
    """Adds zeros, a variable whose gradient is that of the output."""
    source: Any
    """Symbolic input of batch normalization, which it normalizes; of other layers None."""


class Gradients(NamedTuple):
    """The gradients of the loss of a batch."""

    outputs: list[np.ndarray]
    """Of the loss of each image, by the output of each tap, (batch, ..., units) float32."""
    weights: list[Any]
    """Of the mean loss, by each trainable variable of the model, in its order, float32 tensors."""


class Probe:
    """A copy of a functional or sequential model, with a tap at each layer that learns or bends.

    The model itself stays as it is; ``follow`` takes its present values over. Layers that only
    reshape, scale or drop have no tap, and a model inside the model is one layer.

    Args:
        model: from a batch of images to (batch, classes) logits or probabilities.
        batch: images in each batch, which is fixed.

    Raises:
        ConfigError: if the model is of another kind, has several inputs or outputs, or a layer
            whose shape is not fixed.
    """

    @precision.keras_defaults()
    def __init__(self, model: keras.Model, batch: int):
        self.model, self.batch = model, batch
        self.taps: list[Tap] = []
        self._pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []
        copy = keras.models.clone_model(
            _functional(model), clone_function=self._copied, call_function=self._tapped
        )
        if not self.taps:
            raise ConfigError(
                f"inspect takes a model with layers that learn, received {model.name} without any."
            )
        seen = [*(tap.output for tap in self.taps), *(tap.source for tap in self._normalizing)]
        self._graph = keras.Model(copy.inputs[0], [*copy.outputs, *seen])
        self._from_logits = not _ends_in_probabilities(self.taps[-1].layer)

    def _copied(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.Layer):  # an operation such as + has no weights
            made = type(layer).from_config(layer.get_config())
            self._pairs.append((layer, made))
            return made
        return layer

    def _tapped(self, layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        output = layer(*args, **kwargs)
        if not _is_looked_at(layer):
            return output
        if None in output.shape[1:]:
            raise ConfigError(
                "inspect takes a model whose layers have a fixed shape, received one with "
                f"{layer.name} of {output.shape}. Give it an input of the shape of the images."
            )
        added = _Zeros((self.batch, *output.shape[1:]), dtype=output.dtype)
        output = added(output)
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        self.taps.append(Tap(layer, output, added, args[0] if normalizes else None))
        return output

    @property
    def _normalizing(self) -> list[Tap]:
        return [tap for tap in self.taps if tap.source is not None]

    def follow(self) -> None:
        """Take over the values of the model."""
        for old, new in self._pairs:
            for before, after in zip(old.variables, new.variables, strict=True):
                after.assign(before)

    def look(self, images: np.ndarray) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
        """Return the output of each tap for a batch, without dropout, and what is normalized.

        The latter is by the name of each batch normalization. All are (batch, ..., units) float32.
        """
        variables = [list(map(_tensor, part)) for part in self._variables]
        (_, *found), _ = self._graph.stateless_call(*variables, images, training=False)
        arrays = [_float32(one) for one in found]
        names = [tap.layer.name for tap in self._normalizing]
        count = len(self.taps)
        return arrays[:count], dict(zip(names, arrays[count:], strict=True))

    def gradients(self, images: np.ndarray, labels: np.ndarray) -> Gradients:
        """Return the gradients of a step of training: cross-entropy and penalties of a batch."""
        learned, rest = self._variables

        def loss(values: Sequence[Any]) -> Any:
            outputs, _, penalties = self._graph.stateless_call(
                values, list(map(_tensor, rest)), images, training=True, return_losses=True
            )
            each = keras.losses.sparse_categorical_crossentropy(
                labels, keras.ops.cast(outputs[0], "float32"), from_logits=self._from_logits
            )
            return (keras.ops.mean(each) + sum(penalties)) * _SCALE

        found = gradients(loss, list(map(_tensor, learned)))
        by_id = {id(one): grad for one, grad in zip(learned, found, strict=True)}
        each = self.batch / _SCALE
        outputs = [_float32(by_id[id(tap.added.zeros)]) * each for tap in self.taps]
        copies = {
            id(before): after
            for old, new in self._pairs
            for before, after in zip(old.variables, new.variables, strict=True)
        }
        weights = [by_id[id(copies[id(one)])] for one in self.model.trainable_variables]
        return Gradients(outputs, [keras.ops.cast(one, "float32") / _SCALE for one in weights])

    @property
    def _variables(self) -> tuple[list[keras.Variable], list[keras.Variable]]:
        return self._graph.trainable_variables, self._graph.non_trainable_variables


class _Zeros(keras.layers.Layer):
    """Adds a variable of zeros."""

    def __init__(self, shape: tuple[int, ...], **kwargs: Any):
        super().__init__(**kwargs)
        self.zeros = self.add_weight(shape=shape, initializer="zeros", name="zeros")

    def call(self, inputs):
        return inputs + self.zeros

    def compute_output_shape(self, input_shape):
        return input_shape


def _functional(model: keras.Model) -> keras.Model:
    """Return an uncompiled functional model of the same layers."""
    try:
        (one,), (other,) = model.inputs, model.outputs
    except (AttributeError, TypeError, ValueError):
        raise ConfigError(
            "inspect takes a functional or sequential Keras model with one input and one output, "
            f"received {model.name}, {type(model).__name__}."
        ) from None
    return keras.Model(one, other, name=model.name)


def _is_looked_at(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, _ACTIVATIONS) or bool(getattr(layer, "trainable_variables", ()))


def activation_of(layer: keras.layers.Layer) -> str:
    """Return the name of the activation function in a layer, such as relu; linear if none."""
    if isinstance(layer, _ACTIVATIONS) and not isinstance(layer, keras.layers.Activation):
        return type(layer).__name__.lower()
    function = getattr(layer, "activation", None)
    return (
        str(getattr(function, "__name__", None) or type(function).__name__)
        if function
        else "linear"
    )


def _ends_in_probabilities(layer: keras.layers.Layer) -> bool:
    return activation_of(layer) in ("softmax", "sigmoid")


def _tensor(variable: keras.Variable) -> Any:
    return keras.ops.convert_to_tensor(variable.value)


def _float32(tensor: Any) -> np.ndarray:
    return np.asarray(as_array(keras.ops.cast(tensor, "float32")))
