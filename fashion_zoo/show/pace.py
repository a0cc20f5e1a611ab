"""How far a number of trainings is, and about how long the rest takes."""

import contextlib
import time
from collections.abc import Callable, Iterator

_FOUND = 0.5  # seconds; what is there already takes less, and says nothing of a training


def clock(seconds: float) -> str:
    """Format seconds as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Pace:
    """Say before each training which it is, of how many, and about how long is left.

    Args:
        total: how many trainings there are; 0 where nobody knows, and then nothing is said.
        say: shows a line.
        timer: returns seconds.
    """

    def __init__(
        self, total: int, say: Callable[[str], None], timer: Callable[[], float] = time.perf_counter
    ):
        self.total = total
        self.say = say
        self.timer = timer
        self.number = 0
        self.took: list[float] = []

    @contextlib.contextmanager
    def training(self, name: str) -> Iterator[None]:
        """Count the training in the block."""
        self.number += 1
        if self.total:
            self.say(f"training {self.number} of {self.total}: {name}{self._left()}")
        began = self.timer()
        yield
        took = self.timer() - began
        if took > _FOUND:
            self.took.append(took)

    def skip(self, trainings: int) -> None:
        """Count trainings that will not happen."""
        self.number += trainings

    def _left(self) -> str:
        if not self.took:
            return ""
        each = sum(self.took) / len(self.took)
        return f", about {clock(each * (self.total - self.number + 1))} left"
