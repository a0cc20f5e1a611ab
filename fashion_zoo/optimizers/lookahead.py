"""Lookahead."""

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.optimizers import WORDS, Optimizer


@WORDS.register
def lookahead(optimizer: Optimizer | None = None, k: int = 6, alpha: float = 0.5) -> Optimizer:
    """Any optimizer, by default adam, whose weights go back by half of the way every k updates.

    Reference: Zhang et al. 2019, arXiv:1907.08610, algorithm 1.
    """
    inner = WORDS.parse("adam") if optimizer is None else optimizer
    if not isinstance(inner, Optimizer):
        raise ConfigError(f"lookahead takes an optimizer such as radam, received {inner!r}.")
    if inner.second_weights != "none":
        kept = {"slow": "slow weights", "average": "an average of the weights"}
        raise ConfigError(
            "lookahead keeps slow weights, and takes an optimizer such as radam that keeps the "
            f"weights alone; received one that keeps {kept[inner.second_weights]}."
        )
    checks.whole("k", k, 1)
    checks.number("alpha", alpha, "a number above 0 and at most 1", lambda value: 0 < value <= 1)

    def make(**given):
        from fashion_zoo.optimizers import looking_ahead

        return looking_ahead(inner.make(**given), k, alpha)

    return Optimizer(make, decays=inner.decays, momentum=inner.momentum, second_weights="slow")
