"""Dense layers whose inputs are multiplied by a function of the kernel, the effective kernel."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops


class _EffectiveDense(keras.layers.Dense):
    """A dense layer with ``effective_kernel``, which the model that is saved has as its kernel."""

    def add_weight(self, *args, **kwargs):
        """Add a weight that is float32 under every precision: norms lose too much in 16 bits."""
        return super().add_weight(*args, **{**kwargs, "autocast": False})

    def effective_kernel(self, training: bool = False):
        """Return what the inputs are multiplied by, (inputs, units) of the weights' dtype."""
        raise NotImplementedError  # each subclass has its own

    def call(self, inputs, training=False):
        x = ops.matmul(inputs, ops.cast(self.effective_kernel(training), self.compute_dtype))
        if self.bias is not None:
            x = ops.add(x, ops.cast(self.bias, x.dtype))
        return x if self.activation is None else self.activation(x)

    def to_keras(self) -> keras.layers.Dense:
        """Return Keras's own layer, whose kernel is in ``folded``."""
        return keras.layers.Dense.from_config(keras.layers.Dense.get_config(self))

    def folded(self) -> dict[str, Any]:
        """Return the weights of ``to_keras()`` that are not those of this layer, by name."""
        return {"kernel": self.effective_kernel()}


@keras.saving.register_keras_serializable("fashion_zoo")
class SpectralDense(_EffectiveDense):
    """A dense layer whose kernel is divided by its largest singular value.

        v = W u / |W u|,  u = W^T v / |W^T v|,  effective kernel = W / (v^T W u)

    ``u`` is a weight that is not trained. Each training step stores the new one, which is one step
    of the power method: while W moves slowly, ``v^T W u`` follows the largest singular value. The
    gradient has ``u`` and ``v`` as constants, and passes through the division. So the layer changes
    the distance of two inputs by a factor of at most 1.

    ``keras.layers.SpectralNormalization`` writes the quotient into the kernel itself, before the
    optimizer's update, and on jax such a write is lost.

    Args:
        *args: as ``keras.layers.Dense``, and so are the other keywords.
        seed: int seed of the initial ``u``, a normal of (units,) float32.
        **kwargs: see above.

    Reference: Miyato et al. 2018, arXiv:1802.05957, algorithm 1 and equation 12.
    """

    def __init__(self, *args, seed: int | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.seed = seed

    def build(self, input_shape):
        super().build(input_shape)
        normal = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        self.u = self.add_weight(name="u", shape=(self.units,), initializer=normal, trainable=False)

    def effective_kernel(self, training: bool = False):
        kernel = ops.convert_to_tensor(self.kernel)
        fixed = ops.stop_gradient(kernel)
        v = _unit(ops.matmul(fixed, ops.convert_to_tensor(self.u)))
        u = _unit(ops.matmul(v, fixed))
        if training:
            self.u.assign(u)
        return kernel / ops.maximum(ops.sum(v * ops.matmul(kernel, u)), 1e-12)

    def unfolded(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return ``u`` for a kernel from ``folded``, by name: the layer then divides it by 1."""
        kernel = weights.get("kernel")
        if kernel is None or kernel.shape != tuple(self.kernel.shape):
            return {}
        return {"u": np.linalg.svd(kernel, full_matrices=False)[2][0]}

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("fashion_zoo")
class StandardizedDense(_EffectiveDense):
    """A dense layer whose kernel has, for each unit, the mean 0 and the length 1.

        effective kernel = (W - mean(W)) / |W - mean(W)|,  over the inputs, for each unit

    It is the paper's times 1 / sqrt(inputs), so that the variance of the units is that of the
    inputs, as with LeCun's initializer.

    Reference: Qiao et al. 2019, arXiv:1903.10520, equation 3; Brock et al. 2021, arXiv:2101.08692,
    equation 4, for the factor.
    """

    def effective_kernel(self, training: bool = False):
        kernel = ops.convert_to_tensor(self.kernel)
        centered = kernel - ops.mean(kernel, axis=0)
        squares = ops.sum(ops.square(centered), axis=0)
        return centered * ops.rsqrt(ops.maximum(squares, 1e-12))


def _unit(vector):
    """Return a vector divided by its length."""
    return vector * ops.rsqrt(ops.maximum(ops.sum(ops.square(vector)), 1e-24))
