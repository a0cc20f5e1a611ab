"""AdaBound."""

from fashion_zoo.language import checks
from fashion_zoo.optimizers import WORDS, Optimizer


@WORDS.register
def adabound(
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    final_learning_rate: float = 0.1,
    gamma: float = 1e-3,
) -> Optimizer:
    """Adam whose bounds per weight close in on one learning rate, so that it ends as SGD.

    That rate is ``final_learning_rate`` at the largest learning rate of the schedule, and moves
    with it.

    Reference: Luo et al. 2019, arXiv:1902.09843, algorithm 2 and its code.
    """
    checks.fraction("beta_1", beta_1)
    checks.fraction("beta_2", beta_2)
    checks.positive("epsilon", epsilon)
    checks.positive("final_learning_rate", final_learning_rate)
    checks.positive("gamma", gamma)
    own = {
        "beta_1": beta_1,
        "beta_2": beta_2,
        "epsilon": epsilon,
        "final_learning_rate": final_learning_rate,
        "gamma": gamma,
    }

    def make(weight_decay, learning_rate, **given):
        from fashion_zoo.optimizers import AdaBound, TabulatedSchedule, decaying

        moves = isinstance(learning_rate, TabulatedSchedule)
        base = float(learning_rate.values.max()) if moves else learning_rate
        rates = {"learning_rate": learning_rate, "base_learning_rate": base}
        return decaying(AdaBound, weight_decay, **rates, **own, **given)

    return Optimizer(make, decays=True)
