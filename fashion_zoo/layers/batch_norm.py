"""Batch normalization with fewer passes over the data."""

import keras


@keras.saving.register_keras_serializable("fashion_zoo")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization with a gradient in closed form: the same result, fewer passes.

        c = x - mean(x),  y = gamma * c * r + beta,  r = 1 / sqrt(mean(c^2) + epsilon)
        dL/dx = gamma * r * (g - mean(g) - c * r^2 * mean(g * c)),  g = dL/dy

    Means are over the batch. Only the training step of (batch, units) inputs on TensorFlow differs
    from ``keras.layers.BatchNormalization``; another backend, masks, other axes, renormalization,
    synchronization and a layer without scale or offset use Keras's implementation. It has first
    derivatives only: for a penalty on gradients use Keras's layer.

    Call arguments:
        inputs: floating-point tensor, (batch, units) or any shape that Keras's layer takes.
        training: whether to normalize by the batch and update the statistics.
        mask: see ``keras.layers.BatchNormalization``.

    Reference: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1 and section 3.
    """

    def call(self, inputs, training=None, mask=None):
        plain = len(inputs.shape) == 2 and self.axis in (-1, 1) and self.center and self.scale
        other = mask is not None or self.renorm or self.synchronized
        other = other or keras.backend.backend() != "tensorflow"  # jax fuses Keras's own as well
        if inputs.shape[0] == 0:  # which has no mean
            return super().call(inputs, training=False)
        if not (training and self.trainable and plain) or other:
            return super().call(inputs, training=training, mask=mask)
        # Statistics lose too much in 16 bits.
        x = keras.ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean = keras.ops.mean(x, axis=0)
        centered = x - mean
        variance = keras.ops.mean(keras.ops.square(centered), axis=0)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            before = keras.ops.cast(moving, x.dtype)
            moving.assign(before * self.momentum + now * (1.0 - self.momentum))
        inverse = keras.ops.rsqrt(variance + self.epsilon)
        gamma, beta = (keras.ops.cast(weight, x.dtype) for weight in (self.gamma, self.beta))
        # The gradient of x includes both; without this, gradients of 0 would be computed for them.
        centered, inverse = map(keras.ops.stop_gradient, (centered, inverse))
        outputs = _normalize(x, gamma, beta, centered, inverse)
        return keras.ops.cast(outputs, self.compute_dtype)

    def to_keras(self) -> keras.layers.BatchNormalization:
        """Return Keras's own layer, whose weights have the same names."""
        return keras.layers.BatchNormalization.from_config(self.get_config())


@keras.ops.custom_gradient
def _differentiable_once(gradient):
    """Return a gradient, and refuse a second derivative: the formula has c and r as constants."""

    def refuse(*args, upstream=None):
        raise NotImplementedError(
            "fashion_zoo.layers.BatchNormalization has first derivatives only; take "
            "keras.layers.BatchNormalization for a penalty on gradients."
        )

    return gradient, refuse


@keras.ops.custom_gradient
def _normalize(x, gamma, beta, centered, inverse):
    """Scale and shift centered inputs; only the first three arguments have a gradient."""

    def gradient(*args, upstream=None):
        g = args[-1] if upstream is None else upstream
        g_mean = keras.ops.mean(g, axis=0)
        product = keras.ops.mean(g * centered, axis=0) * inverse  # of g and the normalized x
        size = keras.ops.cast(keras.ops.shape(x)[0], x.dtype)
        d_x = _differentiable_once(
            (gamma * inverse) * (g - g_mean - centered * (inverse * product))
        )
        zeros = keras.ops.zeros_like(centered), keras.ops.zeros_like(inverse)
        return d_x, product * size, g_mean * size, *zeros

    return centered * (gamma * inverse) + beta, gradient
