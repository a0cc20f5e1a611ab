"""Class counts of a data set, and its long-tailed version."""

import dataclasses

import numpy as np

from fashion_zoo.data.dataset import Dataset
from fashion_zoo.language.arguments import checked


def class_counts(dataset: Dataset) -> np.ndarray:
    """Return the (classes,) numbers of training images of each class, which are read."""
    return np.bincount(dataset.train.labels, minlength=len(dataset.class_names))


@checked
def long_tail(dataset: Dataset, ratio: float = 100) -> Dataset:
    """Return a data set with fewer training images of each class than of the class before it.

        images of class c = largest class * ratio ** (-c / (classes - 1)),  c = 0, 1, ...

    rounded, at least 1, and at most what the class has, after ``data.limit``. Validation and test
    images stay as they are. The choice depends on the labels and on ``data.seed``. It is the
    setting ``data.long_tail`` of a training.

    Args:
        dataset: a data set; see ``load``.
        ratio: images of the first class for each of the last, at least 1.

    Raises:
        ConfigError: if the ratio is another number.

    Reference: Cao et al. 2019, arXiv:1906.07413, section 4.1.

    Example:
        ```python
        data = fashion_zoo.data.long_tail(fashion_zoo.data.load(), ratio=100)
        trained = fashion_zoo.train("bn_mlp", data=data, training={"class_weight": "balanced"})
        ```
    """
    origin = dataclasses.replace(dataset.origin, long_tail=ratio)
    return dataclasses.replace(dataset, origin=origin)
