"""Schedules: pure functions of training progress.

A schedule takes progress ``p``, a float in [0, 1] (the fraction of training done), and returns the
factor by which a base value (a learning rate, a dropout rate) is multiplied. Outside of [0, 1] it
has the value at the nearer end. It is independent of frameworks: a training tabulates it.

Each word here makes a schedule. ``get`` parses text, such as ``"cosine(1, 0.001)"`` or
``"warmup(0.05) >> one_cycle"``.
"""

import ast
import bisect
import math
from collections.abc import Callable, Sequence

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary

Schedule = Callable[[float], float]

WORDS: Vocabulary[Schedule] = Vocabulary(
    "schedule",
    example="cosine(1, 0.001)",
    finish=lambda made: made if callable(made) and not isinstance(made, warmup) else None,
)
get = WORDS.parse


def _schedule(function: Schedule) -> Schedule:
    """Keep progress in [0, 1]."""
    return lambda progress: function(min(max(progress, 0.0), 1.0))


def _check_factors(**factors: object) -> None:
    for name, value in factors.items():
        checks.not_negative(name, value)


def _check_fractions(**fractions: object) -> None:
    for name, value in fractions.items():
        checks.number(name, value, "a fraction above 0 and below 1", lambda number: 0 < number < 1)


@WORDS.register
def constant(value: float = 1.0) -> Schedule:
    """``value`` throughout."""
    _check_factors(value=value)
    return lambda progress: float(value)


@WORDS.register
def linear(start: float = 1.0, end: float = 0.0) -> Schedule:
    """``start + (end - start) p``."""
    return polynomial(start, end, 1.0)


@WORDS.register
def polynomial(start: float = 1.0, end: float = 0.0, power: float = 2.0) -> Schedule:
    """``end + (start - end) (1 - p) ** power``."""
    _check_factors(start=start, end=end)
    checks.positive("power", power)
    return _schedule(lambda p: end + (start - end) * (1.0 - p) ** power)


@WORDS.register
def cosine(start: float = 1.0, end: float = 0.0) -> Schedule:
    """``end + (start - end) (1 + cos(pi p)) / 2``: half a cosine.

    Reference: Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts.
    """
    _check_factors(start=start, end=end)
    return _schedule(lambda p: end + (start - end) * (1.0 + math.cos(math.pi * p)) / 2.0)


@WORDS.register
def step(factor: float = 0.1, every: float = 1 / 3, at: Sequence[float] | None = None) -> Schedule:
    """``factor ** n`` after n drops: one after each ``every``, or one at each fraction in ``at``.

    No drop falls on the end of training, where it would train nothing.

    Reference: the step policy of He et al. 2016, arXiv:1512.03385, section 3.4.
    """
    _check_factors(factor=factor)
    checks.number(
        "every", every, "a fraction of at least 0.001 and below 1", lambda n: 0.001 <= n < 1
    )
    # The small terms correct a milestone that is off by a rounding error, such as 2/3.
    milestones = (
        at if at is not None else [n * every for n in range(1, math.ceil(1 / every - 1e-9))]
    )
    _check_rising("at", milestones)
    return _schedule(lambda p: float(factor) ** bisect.bisect_right(milestones, p + 1e-9))


@WORDS.register
def exponential(start: float = 1.0, end: float = 0.01) -> Schedule:
    """``start (end / start) ** p``: the same ratio in each equal part."""
    for name, value in (("start", start), ("end", end)):
        checks.positive(name, value)
    return _schedule(lambda p: start * (end / start) ** p)


def _check_rising(name: str, fractions: object) -> None:
    if not isinstance(fractions, Sequence) or isinstance(fractions, str):
        raise ConfigError(f"{name} must be a list of fractions, received {fractions!r}.")
    for fraction in fractions:
        _check_fractions(**{name: fraction})
    if list(fractions) != sorted(set(fractions)):
        raise ConfigError(f"{name} must rise, received {list(fractions)}.")


@WORDS.register
def restarts(
    cycles: int = 3, multiplier: float = 2.0, decay: float = 1.0, end: float = 0.0
) -> Schedule:
    """Cosines from ``decay ** n`` to ``end`` in each cycle n, each ``multiplier`` times longer.

    Reference: SGDR, Loshchilov & Hutter 2017, arXiv:1608.03983; ``multiplier`` is its T_mult.
    """
    checks.whole("cycles", cycles, 1, 100)
    checks.number("multiplier", multiplier, "a number of at least 1", lambda number: number >= 1)
    _check_factors(decay=decay, end=end)
    lengths = [multiplier**cycle for cycle in range(cycles)]
    ends = [sum(lengths[: cycle + 1]) / sum(lengths) for cycle in range(cycles - 1)]
    return join([cosine(decay**cycle, end) for cycle in range(cycles)], ends)


@WORDS.register
def one_cycle(rise: float = 0.25, start: float = 1 / 25, end: float = 1 / 250_000) -> Schedule:
    """Half a cosine from ``start`` to 1 over the fraction ``rise``, then half a cosine to ``end``.

    Reference: Smith & Topin 2019, arXiv:1708.07120. The cosine shape and the two divisors, 25
    and 10,000, are those that fastai made customary.
    """
    _check_fractions(rise=rise)
    _check_factors(start=start, end=end)
    half = cosine()

    def schedule(p: float) -> float:
        if p < rise:
            return start + (1.0 - start) * (1.0 - half(p / rise))
        return end + (1.0 - end) * half((p - rise) / (1.0 - rise))

    return _schedule(schedule)


@WORDS.register
def inverse_sqrt(warmup: float = 0.05) -> Schedule:
    """``min(p / w, sqrt(w / p))`` with w = ``warmup``: rises to 1, then falls as 1 / sqrt(p).

    Reference: Vaswani et al. 2017, arXiv:1706.03762, section 5.3.
    """
    _check_fractions(warmup=warmup)
    return _schedule(lambda p: p / warmup if p < warmup else math.sqrt(warmup / p))


@WORDS.register
class warmup:  # lower case: a word of the vocabulary, called like the others
    """A linear rise before a schedule: ``warmup()(cosine())``, in text ``warmup >> cosine``.

    The rise is from ``start`` times the schedule's first value to that value, over ``fraction``
    of the training; the schedule has the rest.

    Reference: Goyal et al. 2017, arXiv:1706.02677, section 2.2.
    """

    def __init__(self, fraction: float = 0.05, start: float = 0.0):
        _check_fractions(fraction=fraction)
        _check_factors(start=start)
        self.fraction = fraction
        self.start = start

    def __call__(self, schedule: Schedule) -> Schedule:
        first = schedule(0.0)
        return join([linear(self.start * first, first), schedule], [self.fraction])


@WORDS.register
def join(schedules: Sequence[Schedule], at: Sequence[float]) -> Schedule:
    """One schedule after another, changing at the fractions ``at``; each goes from 0 to 1.

    Args:
        schedules: at least one.
        at: rising fractions, one fewer than schedules.
    """
    _check_rising("at", at)
    parts = schedules if isinstance(schedules, Sequence) else [None]
    if not all(callable(part) and not isinstance(part, warmup) for part in parts):
        raise ConfigError(f"join needs a list of schedules, received {schedules!r}.")
    if len(schedules) != len(at) + 1:
        raise ConfigError(
            f"join needs one fraction fewer than schedules, received {len(schedules)} schedules "
            f"and {len(at)} fractions."
        )
    edges = [0.0, *at, 1.0]

    def joined(p: float) -> float:
        part = bisect.bisect_right(at, p)
        return schedules[part]((p - edges[part]) / (edges[part + 1] - edges[part]))

    return _schedule(joined)


@WORDS.operator(ast.RShift)
def _after_warmup(first: object, schedule: object) -> Schedule:
    if not isinstance(first, warmup) or not callable(schedule) or isinstance(schedule, warmup):
        raise ConfigError("write >> between a warmup and a schedule; to join schedules, use join.")
    return first(schedule)


def tabulate(schedule: Schedule, base: float, steps: int) -> list[float]:
    """Return ``base * schedule(progress)`` for each step of a training.

    Progress is 0 at the first step and 1 at the last, so that a schedule reaches its end. If there
    is one step only, its progress is 0.5: at 0 and 1 most rates are 0.
    """
    if steps == 1:
        return [base * schedule(0.5)]
    return [base * schedule(step / (steps - 1)) for step in range(steps)]
