"""AdaBound as a Keras optimizer."""

import keras

from fashion_zoo.optimizers._means import RunningMeans


@keras.saving.register_keras_serializable("fashion_zoo")
class AdaBound(RunningMeans):
    """Adam whose rate per weight is held between bounds that close in on one rate, that of SGD.

        m = beta_1 m + (1 - beta_1) g,  v = beta_2 v + (1 - beta_2) g^2
        final = final_learning_rate * rate / base_learning_rate
        lower = final (1 - 1 / (gamma t + 1)),  upper = final (1 + 1 / (gamma t))
        w = w - clip(rate sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v) + epsilon),
                     lower, upper) m

    This is the code of the authors, with the bias corrections of Adam; algorithm 2 has none.

    Args:
        learning_rate: a number or a schedule.
        beta_1: decay of the mean of gradients, in [0, 1).
        beta_2: decay of the mean of their squares, in [0, 1).
        epsilon: added to the root of ``v``.
        final_learning_rate: the rate that the bounds close in on.
        gamma: how fast they do.
        base_learning_rate: the learning rate without its schedule, which moves
            ``final_learning_rate`` likewise; by default ``learning_rate``, which then is a number.
        **kwargs: arguments of ``keras.optimizers.Optimizer``.

    Raises:
        ValueError: if the learning rate is a schedule, and ``base_learning_rate`` is missing.

    Reference: Luo et al. 2019, arXiv:1902.09843, algorithm 2 and its code.
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        final_learning_rate=0.1,
        gamma=1e-3,
        base_learning_rate=None,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        if base_learning_rate is None and not isinstance(learning_rate, float):
            raise ValueError(
                f"base_learning_rate is needed with a schedule, received {learning_rate}."
            )
        self.final_learning_rate, self.gamma = final_learning_rate, gamma
        self.base_learning_rate = base_learning_rate or learning_rate

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        rate, gradient, t = (
            keras.ops.cast(one, variable.dtype)
            for one in (learning_rate, gradient, self.iterations + 1)
        )
        beta_1, beta_2 = (  # a cast would round them to float32 first
            keras.ops.convert_to_tensor(one, variable.dtype) for one in (self.beta_1, self.beta_2)
        )
        m, v = self.moved(gradient, variable)
        corrected = rate * keras.ops.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        final = rate * (self.final_learning_rate / self.base_learning_rate)
        lower, upper = final * (1 - 1 / (self.gamma * t + 1)), final * (1 + 1 / (self.gamma * t))
        each = corrected / (keras.ops.sqrt(v) + self.epsilon)
        each = keras.ops.minimum(keras.ops.maximum(each, lower), upper)
        self.assign_sub(variable, each * m)

    def get_config(self):
        own = ("final_learning_rate", "gamma", "base_learning_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
