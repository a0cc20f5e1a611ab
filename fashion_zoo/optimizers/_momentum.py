"""A momentum that is looked up by the step counter, which Keras keeps as a number in the graph."""

import keras

from fashion_zoo.optimizers._tables import TabulatedSchedule


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduledSGD(keras.optimizers.SGD):
    """Keras's SGD, for a momentum above 0 that may be a tensor, which Keras's own compares with 0.

        m = momentum * m - rate * gradient
        w = w + m,  or with ``nesterov``  w + momentum * m - rate * gradient

    Reference: Sutskever et al. 2013, ICML, equations 1 to 4.
    """

    in_keras = keras.optimizers.SGD

    def build(self, variables):
        """Make the momenta, in a step that may be traced as well."""
        if not self.built:
            keras.optimizers.Optimizer.build(self, variables)
            self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        rate, gradient, momentum = (
            keras.ops.cast(one, variable.dtype) for one in (learning_rate, gradient, self.momentum)
        )
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, m * momentum - gradient * rate)
        self.assign_add(variable, m * momentum - gradient * rate if self.nesterov else m)


def follow_momentum(
    optimizer: keras.optimizers.Optimizer, name: str, table: TabulatedSchedule | None
) -> keras.optimizers.Optimizer:
    """Let an optimizer look its momentum up by the step counter, and return it.

    While a step is traced, the attribute is the tensor of its value; outside it is the number that
    the optimizer was made with, and so are its variables and its config.

    Args:
        optimizer: an optimizer whose ``update_step`` computes with the attribute.
        name: name of the attribute, such as ``beta_1``.
        table: the momentum of each step; None leaves the optimizer as it is.
    """
    if table is None:
        return optimizer
    apply = optimizer.apply

    def looked_up(*arguments, **options):
        base = getattr(optimizer, name)
        setattr(optimizer, name, table(optimizer._iterations))
        try:
            return apply(*arguments, **options)
        finally:
            setattr(optimizer, name, base)

    optimizer.apply = looked_up
    optimizer._momentum_name, optimizer._momentum_table = name, table
    return optimizer
