"""Adam."""

from fashion_zoo.language import checks
from fashion_zoo.optimizers import WORDS, Optimizer


@WORDS.register
def adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Optimizer:
    """Adam: steps scaled by running means of the gradient and of its square.

    Reference: Kingma & Ba 2015, arXiv:1412.6980.
    """
    checks.fraction("beta_1", beta_1)
    checks.fraction("beta_2", beta_2)
    checks.positive("epsilon", epsilon)

    def make(momentum=None, **given):
        from fashion_zoo.optimizers import FusedAdam, follow_momentum

        made = FusedAdam(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **given)
        return follow_momentum(made, "beta_1", momentum)

    return Optimizer(make, momentum=beta_1)
