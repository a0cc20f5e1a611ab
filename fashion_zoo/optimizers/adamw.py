"""AdamW."""

from fashion_zoo.language import checks
from fashion_zoo.optimizers import WORDS, Optimizer


@WORDS.register
def adamw(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Optimizer:
    """Adam with decoupled weight decay.

    Reference: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
    """
    checks.fraction("beta_1", beta_1)
    checks.fraction("beta_2", beta_2)
    checks.positive("epsilon", epsilon)
    own = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}

    def make(weight_decay, momentum=None, **given):
        from fashion_zoo.optimizers import (
            FusedAdamW,
            ScheduledAdamW,
            TabulatedSchedule,
            follow_momentum,
        )

        moves = isinstance(weight_decay, TabulatedSchedule)
        kind = ScheduledAdamW if moves else FusedAdamW
        return follow_momentum(kind(weight_decay=weight_decay, **own, **given), "beta_1", momentum)

    return Optimizer(make, decays=True, momentum=beta_1)
