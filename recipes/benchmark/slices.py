"""Timing in interleaved slices, beside a reference loop, so that a busy machine does not spoil it.

Contenders work one after the other, a fraction of a second each, in alternating order: what slows
the machine for longer slows all of them, and a ratio is of slices that lie side by side. What slows
it for a moment shows in the time of a fixed amount of NumPy work before and after a slice, which is
then repeated.
"""

import collections
import concurrent.futures
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

LIMIT = 1.15  # a reference loop that takes so many times the lower quartile has stalled
REST = 0.05  # seconds before a loop: OpenMP's threads spin for some 10 ms when their work is done
WINDOW = 200  # loops of which the quartile is, so that a lasting change of speed is no stall
PAUSES = 50  # loops that a slice waits at most until the machine is quiet
TRIES = 3  # of a slice; the last one counts even if the machine stalled
SLICES = 8  # of an epoch, each 0.1 to 0.3 s; half as many had three times the spread in simulations
NEAR = 0.15  # largest distance of a quartile of ratios from their median, as a fraction of it


class Slice(NamedTuple):
    """A timed slice."""

    seconds: float
    """Per step."""
    repeated: int
    """Slices before it that did not count, because the machine stalled."""
    stalled: bool
    """Whether the machine stalled in this one too."""


class Monitor:
    """Times slices beside ``reference``, which does a fixed amount of work and returns seconds."""

    def __init__(self, reference: Callable[[], float]):
        self.reference = reference
        self.times = collections.deque([reference() for _ in range(PAUSES)], maxlen=WINDOW)

    def stalled(self) -> bool:
        """Run the reference loop, and return whether it was slower than usual."""
        self.times.append(seconds := self.reference())
        return seconds > LIMIT * float(np.quantile(self.times, 0.25))

    def time(self, work: Callable[[], float]) -> Slice:
        """Time a slice, again where the machine stalled; ``work`` returns seconds per step."""
        for repeated in range(TRIES):
            any(not self.stalled() for _ in range(PAUSES))  # wait until it is quiet
            seconds = work()
            if not self.stalled():
                return Slice(seconds, repeated, stalled=False)
        return Slice(seconds, TRIES - 1, stalled=True)


def interleave(
    contenders: Mapping[str, Callable[[], float]],
    rounds: int,
    reference: Callable[[], float] | None = None,
) -> dict[str, list[Slice]]:
    """Time one slice of each contender per round, every other round in reverse order.

    A contender does the work of a slice and returns its seconds per step. The reference is by
    default about 10 ms of NumPy work on every core.
    """
    monitor = Monitor(reference or make_reference())
    done: dict[str, list[Slice]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            done[name].append(monitor.time(contenders[name]))
    return done


def make_reference() -> Callable[[], float]:
    """Return a function that does a fixed amount of work on every core and returns its seconds.

    So another program slows it, whichever core it takes.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    pool = concurrent.futures.ThreadPoolExecutor(cores)

    def work() -> float:
        time.sleep(REST)
        start = time.perf_counter()
        list(pool.map(_work, range(cores)))
        return time.perf_counter() - start

    return work


def _work(_: int) -> None:
    values = np.linspace(0, 1, 2**15)  # 256 KiB, which the cache of a core holds
    for _ in range(100):
        np.sqrt(values, out=values)  # NumPy holds no lock meanwhile


def ratios(slices: Sequence[Slice], base: Sequence[Slice]) -> list[float]:
    """Return the time of each slice as a multiple of that of the other contender's same round."""
    return [one.seconds / other.seconds for one, other in zip(slices, base, strict=True)]


def quartiles(values: Sequence[float]) -> list[float]:
    """Return lower quartile, median and upper quartile."""
    return np.quantile(values, (0.25, 0.5, 0.75)).tolist()
