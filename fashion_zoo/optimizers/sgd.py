"""Stochastic gradient descent."""

from fashion_zoo.language import checks
from fashion_zoo.optimizers import WORDS, Optimizer


@WORDS.register
def sgd(momentum: float = 0.9, nesterov: bool = True) -> Optimizer:
    """Stochastic gradient descent with momentum, Nesterov's or the plain one.

    Reference: Sutskever et al. 2013, ICML, On the importance of initialization and momentum.
    """
    checks.fraction("momentum", momentum)
    checks.flag("nesterov", nesterov)
    given_momentum = float(momentum)  # Keras refuses a whole number

    def make(momentum=None, **given):
        import keras

        from fashion_zoo.optimizers import ScheduledSGD, follow_momentum

        kind = keras.optimizers.SGD if momentum is None else ScheduledSGD
        made = kind(momentum=given_momentum, nesterov=nesterov, **given)
        return follow_momentum(made, "momentum", momentum)

    return Optimizer(make, momentum=momentum)
