"""What a model costs: its parameters, its multiplications, and the time that it predicts in."""

import math
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


def parameters(model: "keras.Model") -> int:
    """Return the number of trainable parameters."""
    return sum(math.prod(one.shape) for one in model.trainable_variables)


def multiply_adds(model: "keras.Model") -> int | None:
    """Return the multiplications, each with an addition, that the kernels take for one image.

    A Dense layer takes as many as its kernel has numbers, for each vector that it is applied to.
    What costs a number or two per unit, such as normalization and activations, is not counted. None
    if a layer of another kind has a kernel, whose cost is not known here.
    """
    import keras

    found = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            inside = multiply_adds(layer)
            if inside is None:
                return None
            found += inside
        elif isinstance(layer, keras.layers.Dense):
            found += math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
        elif getattr(layer, "kernel", None) is not None:
            return None
    return found


def batch(model: "keras.Model", images: np.ndarray, count: int) -> np.ndarray:
    """Return (count, *shape) float32 images in the shape that a model takes, some several times.

    ``images`` are (n, *shape) pixels in 0..255.
    """
    return np.resize(images, (count, *model.input_shape[1:])).astype("float32")


def latency(model: "keras.Model", images: np.ndarray, calls: int) -> float:
    """Return the median time to predict a batch, of so many calls, in milliseconds."""
    model.predict_on_batch(images)  # traces
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        model.predict_on_batch(images)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)
