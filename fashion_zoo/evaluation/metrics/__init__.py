"""Metrics of predictions, one per file, and the predictions that they are functions of."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fashion_zoo.language.vocabulary import Vocabulary

WORDS: Vocabulary[Any] = Vocabulary("metric", package="fashion_zoo.evaluation.metrics")
"""Functions of ``Predictions`` that return JSON values.

The docstring of one that returns a number begins with its title and a colon.
"""


class Recalls(NamedTuple):
    """The recalls of the classes that have images."""

    classes: np.ndarray
    """(n,) integers, positions in the class names."""
    correct: np.ndarray
    """(n,) integers, images whose class was predicted."""
    images: np.ndarray
    """(n,) integers, at least 1."""

    @property
    def counts(self) -> list[tuple[int, int]]:
        """Correct images and images of each class."""
        return list(zip(self.correct.tolist(), self.images.tolist(), strict=True))

    @property
    def values(self) -> np.ndarray:
        """(n,) float64, the recalls."""
        return self.correct / self.images

    @property
    def balanced_accuracy(self) -> float:
        """Their mean."""
        return float(self.values.mean())

    @property
    def worst(self) -> float:
        """The smallest."""
        return float(self.values.min())


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
    """The logits of a model for labelled images."""

    logits: np.ndarray
    """(n, classes) float64; likelihoods come from them, since a probability may round to 0."""
    labels: np.ndarray
    """(n,) integers."""
    class_names: Sequence[str]

    @functools.cached_property
    def probabilities(self) -> np.ndarray:
        """(n, classes) float64, the softmax of the logits."""
        from scipy.special import softmax

        return softmax(self.logits, axis=1)

    @functools.cached_property
    def predicted(self) -> np.ndarray:
        """(n,) integers, the likeliest class of each image."""
        return self.probabilities.argmax(axis=1)

    @functools.cached_property
    def recalls(self) -> Recalls:
        """The recall of each class that has images."""
        classes, place = np.unique(self.labels, return_inverse=True)
        correct = np.bincount(place[self.predicted == self.labels], minlength=len(classes))
        return Recalls(classes, correct, np.bincount(place))


def measure(logits: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Compute all metrics of ``Predictions``.

    Returns:
        A dictionary for JSON: the number of ``images``, and each metric by its name.
    """
    found = Predictions(logits, labels, class_names)
    return {"images": len(labels), **{word: metric(found) for word, metric in WORDS.items()}}
