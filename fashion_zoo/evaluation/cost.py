"""What a model costs: its parameters, and the time that it takes to predict."""

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


def latency(model: "keras.Model", images: np.ndarray, calls: int) -> float:
    """Return the median time to predict a batch, of so many calls, in milliseconds."""
    model.predict_on_batch(images)  # traces
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        model.predict_on_batch(images)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)
