"""Layers of this package, for any Keras backend."""

from collections.abc import Sequence

import keras
import numpy as np

_LEVELS = 65_536.0  # of 16 random bits


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduledDropout(keras.layers.Layer):
    """Dropout whose rate is a weight, so that it can change while a compiled graph runs.

    ``keras.layers.Dropout`` keeps its rate as a Python float that is baked into the graph when
    the training step is traced; setting it later changes nothing. Here the rate is a
    non-trainable scalar: assign to ``layer.rate`` between epochs and the next step uses it.

        y = x * mask / (1 - rate),  mask ~ Bernoulli(1 - rate) for each element

    and ``y = x`` outside training. Random numbers are a large part of a small network's step, so
    an element gets 16 random bits instead of the 32 of a float: the rate is rounded to a multiple
    of 1 / 65,536, both in the mask and in the scale, so that in float32 the expectation of ``y``
    stays ``x``; a bfloat16 scale has 8 bits.

    The weight counts in ``count_params()``; recipes state trainable parameters.

    ``follow`` also moves the rate per step, by a table that the layer looks up by its step counter:
    the number of masks drawn, which is part of the state of its seed generator.

    Args:
        rate: base rate, the fraction of units dropped, in [0, 1). It is the initial rate, and the
            one that a schedule multiplies.
        noise_shape: shape of the mask; a None is the size of the inputs, a 1 shares one draw over
            an axis: ``(1, None)`` drops a feature for the whole batch. None draws each element.
        seed: int seed of the masks.
        factors: see ``follow``.
        offset: see ``follow``.
        **kwargs: name and dtype of a layer.

    Raises:
        ValueError: if the rate, or the rate times a factor, is not in [0, 1); or ``noise_shape``
            has a size that is not a positive integer.

    Call arguments:
        inputs: floating-point tensor of any shape.
        training: whether to drop; outside training the inputs are returned unchanged.

    Reference: Srivastava et al. 2014, JMLR 15(56).
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        factors: Sequence[float] | None = None,
        offset: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1, received {rate!r}.")
        for size in noise_shape or ():
            if size is not None and not (isinstance(size, int) and size > 0):
                raise ValueError(
                    f"noise_shape must hold None and whole numbers above 0, received {noise_shape}."
                )
        self.base_rate = float(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._ended = (-1, 0.0)  # number of masks when ``reset`` was called, rate of the last one
        self.follow(factors, offset)

    def build(self, input_shape):
        self.rate = self.add_weight(
            name="rate",
            shape=(),
            initializer=keras.initializers.Constant(self.base_rate),
            dtype="float32",
            trainable=False,
            autocast=False,
        )
        self.built = True

    @property
    def steps(self) -> int:
        """Number of masks drawn: the layer's step counter."""
        return int(as_array(self.seed_generator.state)[1])

    @property
    def last_rate(self) -> float:
        """The rate of the last training step."""
        if self._ended[0] == self.steps:
            return self._ended[1]
        rate = float(as_array(self.rate))  # float() fails for a variable of several replicas
        if self.factors is None:
            return rate
        step = min(max(self.steps - 1 - self.offset, 0), len(self.factors) - 1)
        return rate * float(self.factors[step])

    def follow(self, factors: Sequence[float] | np.ndarray | None, offset: int = 0) -> None:
        """Multiply the rate of each step by a factor, in train functions that are traced later.

        Args:
            factors: one per training step; later steps use the last one. None multiplies by 1.
            offset: the value of the layer's counter at which the first factor applies.

        Raises:
            ValueError: if a factor takes the base rate out of [0, 1).
        """
        table = None if factors is None else np.asarray(factors, dtype="float32")
        for factor in () if table is None else (table.min(), table.max()):
            if not 0 <= self.base_rate * factor < 1:
                raise ValueError(
                    f"The factor {factor:g} takes the rate of {self.name} to "
                    f"{self.base_rate * factor:g}; it must be at least 0 and below 1."
                )
        self.factors, self.offset = table, int(offset)

    def reset(self) -> None:
        """Restore the base rate, in train functions that are traced later.

        ``last_rate`` does not change until the next mask is drawn.
        """
        self._ended = (self.steps, self.last_rate)
        self.follow(None)
        self.rate.assign(self.base_rate)

    def _rate_now(self):
        if self.factors is None:
            return keras.ops.convert_to_tensor(self.rate)
        step = keras.ops.cast(self.seed_generator.state[1], "int32") - self.offset
        step = keras.ops.clip(step, 0, len(self.factors) - 1)
        return self.rate * keras.ops.take(keras.ops.convert_to_tensor(self.factors), step)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        rate = self._rate_now()  # before a mask is drawn, which counts up
        shape = keras.ops.shape(inputs)
        if self.noise_shape is not None:
            shape = tuple(
                size if drawn is None else drawn
                for size, drawn in zip(shape, self.noise_shape, strict=True)
            )
        dtype = keras.backend.standardize_dtype(inputs.dtype)  # PyTorch's own is no string
        # The scale of a rate of 1 - 1 / 65,536 is more than float16 holds.
        highest = _LEVELS - (2 if dtype == "float16" else 1)
        threshold = keras.ops.minimum(keras.ops.round(rate * _LEVELS), highest)
        bits = self._bits(shape)
        kept = bits >= keras.ops.cast(threshold, bits.dtype)
        scale = keras.ops.cast(_LEVELS / (_LEVELS - threshold), dtype)
        return inputs * (keras.ops.cast(kept, dtype) * scale)

    def _bits(self, shape):
        """Draw 16 bits per element: an int32 gives two uint16.

        With PyTorch, which cannot compare uint16, or without a known last axis, each element is an
        int32 in 0..65535.
        """
        if keras.backend.backend() == "torch" or not shape or not isinstance(shape[-1], int):
            return keras.random.randint(shape, 0, int(_LEVELS), seed=self.seed_generator)
        pairs = (*shape[:-1], (shape[-1] + 1) // 2)
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            # All bits of an int32; Keras's randint would compute a remainder of each.
            seed = tf.cast(self.seed_generator.next(), tf.int32)
            context = tf.distribute.get_replica_context()
            parts = context.num_replicas_in_sync if context else 1
            if parts == 1 or (self.noise_shape and self.noise_shape[0] == 1):
                drawn = tf.random.stateless_uniform(pairs, seed, None, None, tf.int32)
            else:  # the mask of the whole batch, of which this device has a part
                rows, part = pairs[0], context.replica_id_in_sync_group
                whole = (rows * parts, *pairs[1:])
                drawn = tf.random.stateless_uniform(whole, seed, None, None, tf.int32)
                drawn = drawn[part * rows : (part + 1) * rows]
        else:
            drawn = keras.random.randint(pairs, -(2**31), 2**31 - 1, seed=self.seed_generator)
        return keras.ops.view(drawn, "uint16")[..., : shape[-1]]

    def to_keras(self) -> keras.layers.Dropout:
        """Return Keras's own layer, with the rate of the last training step."""
        rate = float(str(np.float32(self.last_rate)))  # 0.1, not 0.10000000149011612
        return keras.layers.Dropout(
            rate, self.noise_shape, self.seed, name=self.name, dtype=self.dtype_policy
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self.base_rate,
            "noise_shape": self.noise_shape,
            "seed": self.seed,
            "factors": None if self.factors is None else self.factors.tolist(),
            "offset": self.offset,
        }


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


def as_array(variable: keras.Variable) -> np.ndarray:
    """Return the value of a variable as a NumPy array of its shape and dtype, on any backend."""
    # Without stop_gradient Keras's conversion warns under numpy 2, and fails under PyTorch.
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(variable))


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
