"""Layers of our own. They run on any Keras backend."""

import keras


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduledDropout(keras.layers.Layer):
    """Dropout whose rate is a weight, so that it can change while a compiled graph runs.

    ``keras.layers.Dropout`` keeps its rate as a Python float that is baked into the graph when
    the training step is traced; setting it later changes nothing. Here the rate is a
    non-trainable scalar: assign to ``layer.rate`` between epochs and the next step uses it.

        y = x * mask / (1 - rate),  mask ~ Bernoulli(1 - rate) for each element

    and ``y = x`` outside training. The weight counts in ``count_params()``; recipes state
    trainable parameters.

    Args:
        rate: base rate, the fraction of units dropped, in [0, 1). It is what the layer starts
            with and what a schedule multiplies.
        seed: int seed of the masks.
        **kwargs: name and dtype of a layer.

    Raises:
        ValueError: the rate is not in [0, 1).

    Call arguments:
        inputs: floating-point tensor of any shape.
        training: whether to drop; outside training the inputs are returned as they are.

    Reference: Srivastava et al. 2014, JMLR 15(56).
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1, received {rate!r}.")
        self.base_rate = float(rate)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

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

    def call(self, inputs, training=False):
        if not training:
            return inputs
        # float32 even under mixed precision: 8 bits of bfloat16 would round the rate to 1/256.
        noise = keras.random.uniform(
            keras.ops.shape(inputs), dtype="float32", seed=self.seed_generator
        )
        scale = keras.ops.cast(1.0 / (1.0 - self.rate), inputs.dtype)
        zero = keras.ops.zeros((), dtype=inputs.dtype)
        return keras.ops.where(noise >= self.rate, inputs * scale, zero)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.base_rate, "seed": self.seed}
