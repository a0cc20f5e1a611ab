"""Epochs that repeat: a fixed number of augmented views of each image."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Views(NamedTuple):
    """The epochs of a training in which epoch e has the images of epoch e % ``period``.

    It has its order, its augmentation and its mixing partners. Their strengths are those of its own
    steps, so that two of these epochs may differ: see ``distinct``.
    """

    period: int
    """Epochs after which they repeat."""
    distinct: np.ndarray
    """(epochs,) int32, the same number, from 0, for epochs that are equal to the last bit."""

    def key(self, epoch: Any) -> Any:
        """Return the epoch whose order and augmentation an epoch has; integers or tensors."""
        return epoch % self.period

    @property
    def firsts(self) -> list[int]:
        """The first epoch of each number of ``distinct``."""
        return np.unique(self.distinct, return_index=True)[1].tolist()


def repeat(period: int, epochs: int, strengths: Sequence[np.ndarray] = ()) -> Views:
    """Return the views of ``epochs`` that repeat after ``period``.

    ``strengths`` are those that move: tables of (epochs * steps,) numbers.
    """
    tables = [table.reshape(epochs, -1) for table in strengths]
    known: dict[tuple[Any, ...], int] = {}
    numbers = []
    for epoch in range(epochs):
        its = epoch % period, *(table[epoch].tobytes() for table in tables)
        numbers.append(known.setdefault(its, len(known)))
    return Views(period, np.array(numbers, dtype=np.int32))
