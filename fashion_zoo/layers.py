"""Layers of our own. They run on any Keras backend."""

from collections.abc import Sequence

import keras
import numpy as np


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduledDropout(keras.layers.Layer):
    """Dropout whose rate is a weight, so that it can change while a compiled graph runs.

    ``keras.layers.Dropout`` keeps its rate as a Python float that is baked into the graph when
    the training step is traced; setting it later changes nothing. Here the rate is a
    non-trainable scalar: assign to ``layer.rate`` between epochs and the next step uses it.

        y = x * mask / (1 - rate),  mask ~ Bernoulli(1 - rate) for each element

    and ``y = x`` outside training. The weight counts in ``count_params()``; recipes state
    trainable parameters.

    ``follow`` makes the rate move each step as well, by a table that the layer looks up with its
    own counter: the number of masks it has drawn, which is part of its seed generator's state.

    Args:
        rate: base rate, the fraction of units dropped, in [0, 1). It is what the layer starts
            with and what a schedule multiplies.
        noise_shape: shape of the mask, with None where it is that of the inputs and 1 where one
            draw serves a whole axis: ``(1, None)`` drops a feature for the whole batch. None
            draws each element.
        seed: int seed of the masks.
        factors: see ``follow``.
        offset: see ``follow``.
        **kwargs: name and dtype of a layer.

    Raises:
        ValueError: the rate, or the rate times a factor, is not in [0, 1).

    Call arguments:
        inputs: floating-point tensor of any shape.
        training: whether to drop; outside training the inputs are returned as they are.

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
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1, received {rate!r}.")
        self.base_rate = float(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
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
        """How many masks the layer has drawn: its own step counter."""
        return int(keras.ops.convert_to_numpy(self.seed_generator.state.value)[1])

    @property
    def last_rate(self) -> float:
        """The rate of the last training step."""
        if self.factors is None:
            return float(self.rate)
        step = min(max(self.steps - 1 - self.offset, 0), len(self.factors) - 1)
        return float(self.rate) * float(self.factors[step])

    def follow(self, factors: Sequence[float] | None, offset: int = 0) -> None:
        """Multiply the rate of each step by a factor, in steps that are traced from now on.

        Args:
            factors: one a training step; later steps get the last one. None ends it.
            offset: the value of the layer's counter at which the first factor applies.

        Raises:
            ValueError: a factor takes the base rate out of [0, 1).
        """
        table = None if factors is None else np.asarray(factors, dtype="float32")
        for factor in () if table is None else (table.min(), table.max()):
            if not 0 <= self.base_rate * factor < 1:
                raise ValueError(
                    f"The factor {factor:g} takes the rate of {self.name} to "
                    f"{self.base_rate * factor:g}; it must be at least 0 and below 1."
                )
        self.factors, self.offset = table, int(offset)

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
        # float32 even under mixed precision: 8 bits of bfloat16 would round the rate to 1/256.
        noise = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        scale = keras.ops.cast(1.0 / (1.0 - rate), inputs.dtype)
        zero = keras.ops.zeros((), dtype=inputs.dtype)
        return keras.ops.where(noise >= rate, inputs * scale, zero)

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
