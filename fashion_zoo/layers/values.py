"""Values of variables."""

import keras
import numpy as np


def as_array(variable: keras.Variable) -> np.ndarray:
    """Return the value of a variable as a NumPy array of its shape and dtype, on any backend."""
    # Without stop_gradient Keras's conversion warns under numpy 2, and fails under PyTorch.
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(variable))
