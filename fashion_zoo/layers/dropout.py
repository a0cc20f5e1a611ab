"""Dropout whose rate moves."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from fashion_zoo.layers.values import as_array

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

    def unfolded(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the weights that Keras's own layer does not have, by name."""
        return {"rate": np.array(self.base_rate, np.float32)}

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
