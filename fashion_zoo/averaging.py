"""Averages of the weights of a training.

Weights that were averaged over the path of a training often lie nearer to the middle of a flat
minimum than the last ones, and their validation accuracy moves less from epoch to epoch. Whether
they are better is measured on the validation images when the training ends.
"""

import dataclasses

from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class Averaging:
    """Which weights are averaged; at most one of the fields is set, and none averages nothing."""

    decay: float | None = None
    """Fraction of the average that each step keeps, above 0 and below 1."""
    begin: float | None = None
    """Fraction of the training after which the weights of every epoch's end are averaged, in
    [0, 1)."""
    best: int | None = None
    """Number of epochs whose weights are averaged, those with the best validation metric."""


NONE = Averaging()
WORDS: Vocabulary[Averaging] = Vocabulary(
    "averaging",
    example="swa(0.75)",
    finish=lambda made: made if isinstance(made, Averaging) else None,
)


@WORDS.register
def none() -> Averaging:
    """No average."""
    return NONE


@WORDS.register
def ema(decay: float = 0.999) -> Averaging:
    """``average = decay * average + (1 - decay) * weights`` after each step.

    Reference: Polyak & Juditsky 1992, SIAM J. Control Optim. 30(4), with the exponential weights of
    Tarvainen & Valpola 2017, arXiv:1703.01780.
    """
    checks.share("decay", decay)
    return Averaging(decay=decay)


@WORDS.register
def swa(begin: float = 0.75) -> Averaging:
    """The mean of the weights at the end of each epoch after the fraction ``begin``.

    Reference: Izmailov et al. 2018, arXiv:1803.05407, with a cycle of one epoch.
    """
    checks.fraction("begin", begin)
    return Averaging(begin=begin)


@WORDS.register
def best(count: int = 5) -> Averaging:
    """The mean of the weights of the ``count`` best epochs so far, by the validation metric.

    Reference: the checkpoint averaging of Vaswani et al. 2017, arXiv:1706.03762, section 6.1, of
    the best ones in place of the last.
    """
    checks.whole("count", count, 1, 100)
    return Averaging(best=count)
