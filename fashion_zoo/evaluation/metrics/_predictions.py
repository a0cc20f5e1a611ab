"""What metrics are functions of, and all of them."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from fashion_zoo.language.vocabulary import Vocabulary

WORDS: Vocabulary[Any] = Vocabulary("metric", package="fashion_zoo.evaluation.metrics")
"""Each is a function of ``Predictions`` that returns what JSON can hold.

One that is a number begins its docstring with its title and a colon.
"""


class Predictions:
    """What a model said of images, and what they show.

    Args:
        logits: (n, classes) float64. A likelihood is computed from them, because a probability
            that is rounded to 0 has none.
        labels: (n,) integers.
        class_names: name of each class.
    """

    def __init__(self, logits: np.ndarray, labels: np.ndarray, class_names: Sequence[str]):
        self.logits = logits
        self.labels = labels
        self.class_names = class_names

    @functools.cached_property
    def probabilities(self) -> np.ndarray:
        """(n, classes) float64, the softmax of the logits."""
        from scipy.special import softmax

        return softmax(self.logits, axis=1)

    @functools.cached_property
    def predicted(self) -> np.ndarray:
        """(n,) integers, the likeliest class of each image."""
        return self.probabilities.argmax(axis=1)


def measure(logits: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Measure predictions, given as ``Predictions`` has them.

    Returns:
        A dictionary ready for JSON: the number of ``images``, and what each metric is by its word.
    """
    found = Predictions(logits, labels, class_names)
    return {"images": len(labels), **{word: metric(found) for word, metric in WORDS.items()}}
