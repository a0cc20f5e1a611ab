"""The same model in float32: what other programs can read.

TFLite has no operation for most of what a SavedModel of 16-bit layers holds, and what becomes of it
in ONNX no runtime computes.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.machine import precision

if TYPE_CHECKING:
    import keras

_SPACING = {"bfloat16": 2.0**-7, "float16": 2.0**-10}  # of a dtype's numbers from 1 on
_ROUNDINGS = 16  # spacings that a probability may be off after a few layers


def in_float32(model: "keras.Model") -> "keras.Model":
    """Return the model itself where it computes in float32, else an uncompiled one that does.

    The weights are copied. A model that cannot be taken apart, such as a subclassed one, is
    returned as it is.
    """
    if compute_dtype(model) == "float32":
        return model
    try:
        config = _without_16_bits(model.get_config())
        with precision.keras_defaults():
            copy = type(model).from_config(config)
        for old, new in zip(model.weights, copy.weights, strict=True):
            new.assign(np.asarray(old.value).astype("float32"))
    except (NotImplementedError, TypeError, ValueError):  # of a class without a config
        return model
    return copy


def compute_dtype(model: "keras.Model") -> str:
    """Return the 16-bit dtype that a layer computes in, or float32 where there is none."""
    dtypes = (layer.compute_dtype for layer in model._flatten_layers())
    return next((dtype for dtype in dtypes if dtype in _SPACING), "float32")


def tolerance(dtype: str) -> float:
    """Return how far a probability that is computed in 16 bits may be from the float32 one.

    16 times the spacing of the dtype's numbers from 1 on: 0.125 in bfloat16, 0.0156 in float16.
    """
    return _ROUNDINGS * _SPACING[dtype]


def _without_16_bits(config: Any) -> Any:
    """Return a model's config with float32 in the place of every dtype policy of 16 bits."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy" and "float16" in config["config"]["name"]:
            return {**config, "config": {"name": "float32"}}
        return {name: _without_16_bits(value) for name, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_without_16_bits(value) for value in config)
    return config
