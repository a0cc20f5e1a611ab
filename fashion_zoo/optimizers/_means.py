"""What optimizers share that keep Adam's running means."""

import keras


class RunningMeans(keras.optimizers.Optimizer):
    """A base class of optimizers that keep Adam's running means.

        m = beta_1 m + (1 - beta_1) g,  v = beta_2 v + (1 - beta_2) g^2

    Args:
        learning_rate: a number or a schedule.
        beta_1: decay of the mean of gradients, in [0, 1).
        beta_2: decay of the mean of their squares, in [0, 1).
        epsilon: added to the root of ``v``.
        **kwargs: arguments of ``keras.optimizers.Optimizer``.

    Reference: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
    """

    nearest = keras.optimizers.Adam

    def __init__(self, learning_rate, beta_1, beta_2, epsilon, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables):
        """Make the running means of the variables."""
        if self.built:
            return
        super().build(variables)
        self._means, self._squares = self.add_optimizer_variables(variables, ["mean", "square"])

    def moved(self, gradient, variable):
        """Move the means of a variable by its gradient, and return ``m`` and ``v``."""
        index = self._get_variable_index(variable)
        m, v = self._means[index], self._squares[index]
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (keras.ops.square(gradient) - v) * (1 - self.beta_2))
        return m, v

    def get_config(self):
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}
