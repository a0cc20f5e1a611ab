"""RAdam."""

from fashion_zoo.language import checks
from fashion_zoo.optimizers import WORDS, Optimizer


@WORDS.register
def radam(
    beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7, threshold: float = 5.0
) -> Optimizer:
    """Adam that rectifies its first steps, whose estimates are poor, and needs no warmup.

    Reference: Liu et al. 2020, arXiv:1908.03265, algorithm 2.
    """
    for name, beta in {"beta_1": beta_1, "beta_2": beta_2}.items():
        # The first 20 / (1 - beta) steps are a table.
        checks.number(
            name,
            beta,
            "a number of at least 0 and at most 0.99999",
            lambda value: 0 <= value <= 0.99999,
        )
    checks.positive("epsilon", epsilon)
    checks.number("threshold", threshold, "a number of at least 4", lambda value: value >= 4)
    own = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon, "threshold": threshold}

    def make(weight_decay, **given):
        from fashion_zoo.optimizers import RAdam, decaying

        return decaying(RAdam, weight_decay, **own, **given)

    return Optimizer(make, decays=True)
