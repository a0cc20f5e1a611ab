"""RAdam as a Keras optimizer."""

from typing import Any

import keras
import numpy as np

from fashion_zoo.optimizers._means import RunningMeans


@keras.saving.register_keras_serializable("fashion_zoo")
class RAdam(RunningMeans):
    """Adam whose step is rectified for the variance of its first estimates.

        m = beta_1 m + (1 - beta_1) g,  v = beta_2 v + (1 - beta_2) g^2
        rho_inf = 2 / (1 - beta_2) - 1,  rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        w = w - rate m / (1 - beta_1^t) * (r sqrt(1 - beta_2^t) / (sqrt(v) + epsilon)
                                           if rho > threshold else 1)

    Args:
        learning_rate: a number or a schedule.
        beta_1: decay of the mean of gradients, in [0, 1).
        beta_2: decay of the mean of their squares, in [0, 1).
        epsilon: added to the root of ``v``.
        threshold: value of rho above which a step is rectified, at least 4; 4 in the paper, 5 in
            the code of its authors and in PyTorch.
        **kwargs: arguments of ``keras.optimizers.Optimizer``.

    Reference: Liu et al. 2020, arXiv:1908.03265, algorithm 2.
    """

    _scale: Any = None

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        threshold=5.0,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.threshold = threshold

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        # rho is a small difference of numbers near 2 / (1 - beta_2), which float32 has to 1e-4: a
        # table in float64 instead, looked up once per step.
        table = factors(self.beta_1, self.beta_2, self.threshold)
        dtype = keras.backend.standardize_dtype(trainable_variables[0].dtype)
        index = keras.ops.minimum(keras.ops.cast(self.iterations, "int32"), len(table) - 1)
        self._scale = keras.ops.take(keras.ops.convert_to_tensor(table, dtype), index, axis=0)
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        rate, gradient, scale = (
            keras.ops.cast(one, variable.dtype) for one in (learning_rate, gradient, self._scale)
        )
        m, v = self.moved(gradient, variable)
        plain, rectified = scale[0], scale[1]
        step = plain + rectified / (keras.ops.sqrt(v) + self.epsilon)
        self.assign_sub(variable, rate * m * step)

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}


def factors(beta_1: float, beta_2: float, threshold: float) -> np.ndarray:
    """Return the two factors of each step, (steps, 2) float64, up to where they stay.

    The first is that of a step without rectification, the second that of a rectified one; the other
    one is 0.
    """
    slowest = max(beta_1, beta_2, 0.5)
    t = np.arange(1, int(-20 / np.log(slowest)) + 2, dtype="float64")  # slowest^t is 2e-9 then
    power = np.power(beta_2, t)
    infinite = 2 / (1 - beta_2) - 1
    rho = infinite - 2 * t * power / (1 - power)
    rectifies = rho > threshold
    safe = np.where(rectifies, rho, infinite if infinite > 4 else 5.0)
    if infinite > 4:
        r = np.sqrt((safe - 4) * (safe - 2) * infinite / ((infinite - 4) * (infinite - 2) * safe))
    else:  # rho never exceeds 4
        r = np.zeros_like(t)
    plain = 1 / (1 - np.power(beta_1, t))
    both = [np.where(rectifies, 0, plain), np.where(rectifies, plain * r * np.sqrt(1 - power), 0)]
    return np.stack(both, axis=1)
