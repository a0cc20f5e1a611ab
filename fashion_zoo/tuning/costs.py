"""What a model costs beside its accuracy."""

import statistics
import time

import keras
import numpy as np

BATCH = 256  # images
_CALLS = 30


def measure(name: str, model: keras.Model) -> float:
    """Return what a model costs.

    Args:
        name: parameters, the number of trainable ones; or latency, the median milliseconds in
            which a batch of 256 images is predicted on this machine, as busy as it is.
        model: the model.
    """
    if name == "parameters":
        return float(sum(int(np.prod(one.shape)) for one in model.trainable_variables))
    images = np.zeros((BATCH, *model.input_shape[1:]), "float32")
    model.predict_on_batch(images)  # traces
    times = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        model.predict_on_batch(images)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)
