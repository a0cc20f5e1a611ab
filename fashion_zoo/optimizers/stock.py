"""The optimizers that Keras has beside Adam, AdamW and SGD, with its defaults.

Ftrl is left out: its first step forgets the initial weights, which suits linear models only.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from fashion_zoo.language import checks
from fashion_zoo.optimizers import WORDS, Optimizer

CHECKS = {
    "beta_1": checks.fraction,
    "beta_2": checks.fraction,
    "adam_beta_1": checks.fraction,
    "adam_beta_2": checks.fraction,
    "rho": checks.fraction,
    "momentum": checks.fraction,
    "epsilon": checks.positive,
    "epsilon_1": checks.positive,
    "epsilon_2": checks.positive,
    "clip_threshold": checks.positive,
    "rms_rate": checks.positive,
    "initial_accumulator_value": checks.not_negative,
    "centered": checks.flag,
    "nesterov": checks.flag,
    "ns_steps": checks.at_least(1),
    "warmup_steps": checks.at_least(0),
}
"""Argument to its check, for all words of this file."""


def of_keras(name: str, *, checked: Mapping[str, Callable] = CHECKS, **known: Any) -> Callable:
    """Register a function without a body as the word of a Keras optimizer with its arguments.

    ``name`` is that of a class of ``fashion_zoo.optimizers`` or else of ``keras.optimizers``, and
    ``known`` are fields of ``Optimizer``.
    """

    def add(described: Callable) -> Callable:
        signature = inspect.signature(described)

        @functools.wraps(described)
        def word(*arguments, **keywords) -> Optimizer:
            bound = signature.bind(*arguments, **keywords)
            bound.apply_defaults()
            for argument, value in bound.arguments.items():
                checked[argument](argument, value)
                if signature.parameters[argument].annotation is float:
                    bound.arguments[argument] = float(value)  # Keras refuses some whole numbers

            def make(**given):
                import keras

                from fashion_zoo import optimizers

                kind = getattr(optimizers, name, None) or getattr(keras.optimizers, name)
                if known.get("decays"):
                    kind = functools.partial(optimizers.decaying, kind)
                return kind(**bound.arguments, **given)

            return Optimizer(make, **known)

        return WORDS.register(word)

    return add


@of_keras("Adadelta")
def adadelta(rho: float = 0.95, epsilon: float = 1e-7):
    """Steps in the ratio of the running root mean squares of updates and gradients.

    Reference: Zeiler 2012, arXiv:1212.5701. Its learning rate is near 1.
    """


@of_keras("Adafactor")
def adafactor(epsilon_1: float = 1e-30, epsilon_2: float = 1e-3, clip_threshold: float = 1.0):
    """Adam without momentum, whose squares of a kernel are kept by row and by column.

    The step is the learning rate, at most 1 / sqrt(t), times the root mean square of the weights.

    Reference: Shazeer & Stern 2018, arXiv:1804.04235.
    """


@of_keras("Adagrad")
def adagrad(initial_accumulator_value: float = 0.1, epsilon: float = 1e-7):
    """Steps scaled by the root of the sum of all squared gradients.

    Reference: Duchi et al. 2011, JMLR 12.
    """


@of_keras("Adamax")
def adamax(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7):
    """Adam with the largest recent gradient in place of the mean square.

    Reference: Kingma & Ba 2015, arXiv:1412.6980, algorithm 2.
    """


@of_keras("Lamb")
def lamb(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7):
    """Adam with the step of each variable scaled by the norm of its weights, for large batches.

    Reference: You et al. 2020, arXiv:1904.00962.
    """


@of_keras("Lion", decays=True)
def lion(beta_1: float = 0.9, beta_2: float = 0.99):
    """Steps of equal size, by the sign of a running mean; a tenth of Adam's learning rate.

    Reference: Chen et al. 2023, arXiv:2302.06675.
    """


@of_keras("Muon", decays=True)
def muon(
    momentum: float = 0.95,
    nesterov: bool = True,
    ns_steps: int = 5,
    rms_rate: float = 0.2,
    adam_beta_1: float = 0.9,
    adam_beta_2: float = 0.999,
    epsilon: float = 1e-7,
):
    """Momentum with orthogonal steps for hidden kernels, and Adam for all other weights.

    Reference: Jordan et al. 2024, kellerjordan.github.io/posts/muon; Liu et al. 2025,
    arXiv:2502.16982.
    """


@of_keras("Nadam")
def nadam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7):
    """Adam with Nesterov's momentum.

    Reference: Dozat 2016, ICLR workshop.
    """


@of_keras("RMSprop")
def rmsprop(rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7, centered: bool = False):
    """Steps scaled by a running mean of squared gradients.

    Reference: Tieleman & Hinton 2012, Coursera, lecture 6.5.
    """


@of_keras("ScheduleFreeAdamW", second_weights="average", checked={**CHECKS, "beta_1": checks.share})
def schedule_free_adamw(
    beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, warmup_steps: int = 0
):
    """Adam at a constant learning rate that validates and keeps an average of its weights.

    With ``beta_1`` 0 that average would have no part in the weights that are trained.

    Reference: Defazio et al. 2024, arXiv:2405.15682.
    """
