"""Schedules: pure functions of training progress.

A schedule takes progress, a float in [0, 1] (the fraction of training done), and returns the
factor by which a base value (a learning rate, a dropout rate) is multiplied. It knows no
framework: callbacks and optimizers tabulate it.
"""

import math
from collections.abc import Callable

from fashion_zoo.errors import ConfigError
from fashion_zoo.suggest import unknown

Schedule = Callable[[float], float]


def _clip(progress: float) -> float:
    return min(max(progress, 0.0), 1.0)


def constant(progress: float) -> float:
    """``1``: the base value throughout."""
    return 1.0


def linear(progress: float) -> float:
    """``1 - p``: falls in a straight line to zero."""
    return 1.0 - _clip(progress)


def cosine(progress: float) -> float:
    """``(1 + cos(pi p)) / 2``: half a cosine down to zero.

    Reference: Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts.
    """
    return (1.0 + math.cos(math.pi * _clip(progress))) / 2.0


def step(progress: float) -> float:
    """``0.1 ** floor(3 p)``, at most two drops: a tenth after each third of training.

    Reference: the step policy of He et al. 2016, arXiv:1512.03385, section 3.4.
    """
    # The small term keeps a milestone such as 2/3, which floats miss by one ulp, on its step.
    return 0.1 ** min(int(3.0 * _clip(progress) + 1e-9), 2)


def one_cycle(progress: float) -> float:
    """Rise by half a cosine from 1/25 to 1 over the first quarter, then fall to 1/250,000.

    Reference: Smith & Topin 2019, arXiv:1708.07120. The cosine shape and the two divisors, 25
    and 10,000, are those that fastai made customary.
    """
    p, rise, start, end = _clip(progress), 0.25, 1 / 25, 1 / 250_000
    if p < rise:
        return start + (1.0 - start) * (1.0 - cosine(p / rise))
    return end + (1.0 - end) * cosine((p - rise) / (1.0 - rise))


SCHEDULES: dict[str, Schedule] = {
    function.__name__: function for function in (constant, linear, cosine, step, one_cycle)
}


def get(name: str) -> Schedule:
    """Look a schedule up by name.

    Raises:
        ConfigError: the name is unknown; the message has the nearest name and all names.
    """
    if name not in SCHEDULES:
        raise ConfigError(unknown("schedule", name, SCHEDULES))
    return SCHEDULES[name]
