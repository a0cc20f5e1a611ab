"""Class counts of a data set, and its long-tailed version."""

import dataclasses

import numpy as np

from fashion_zoo.data.batches import stratified
from fashion_zoo.data.dataset import Dataset
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import checked
from fashion_zoo.seeds import derive


def class_counts(dataset: Dataset) -> np.ndarray:
    """Return the (classes,) numbers of training images of each class, which are read."""
    return np.bincount(dataset.train.labels, minlength=len(dataset.class_names))


@checked
def long_tail(dataset: Dataset, ratio: float = 100, *, seed: int = 0) -> Dataset:
    """Return a data set with fewer training images of each class than of the class before it.

        images of class c = largest class * ratio ** (-c / (classes - 1)),  c = 0, 1, ...

    rounded, at least 1, and at most what the class has. Validation and test images stay as they
    are. The choice depends on the labels and ``seed`` alone. A run on the result stores its digest,
    as of arrays: to resume it, pass the same ``data`` again.

    Args:
        dataset: a data set; see ``load``.
        ratio: images of the first class for each of the last, at least 1.
        seed: key of the choice.

    Reference: Cao et al. 2019, arXiv:1906.07413, section 4.1.

    Example:
        ```python
        data = fashion_zoo.data.long_tail(fashion_zoo.data.load(), ratio=100)
        trained = fashion_zoo.train("bn_mlp", data=data, training={"class_weight": "balanced"})
        ```
    """
    checks.number("ratio", ratio, "a number of at least 1", lambda value: value >= 1)
    checks.whole("seed", seed, 0)
    counts, labels = class_counts(dataset), dataset.train.labels
    kept = []
    for label, count in enumerate(counts):
        wanted = round(counts.max() * ratio ** (-label / max(len(counts) - 1, 1)))
        members = np.flatnonzero(labels == label)
        generator = np.random.default_rng(derive(seed, "long tail", label))
        kept.append(generator.permutation(members)[: min(max(wanted, 1), count)])
    positions, chosen = dataset.positions.train, np.sort(np.concatenate(kept))
    if len(labels) < len(positions):  # a limit, which the result has not
        whole = dataset.read("train").labels[positions]
        positions = positions[stratified(whole, len(labels))]
    return dataclasses.replace(
        dataset,
        origin=dataclasses.replace(dataset.origin, limit=None),
        positions=dataset.positions._replace(train=positions[chosen]),
    )
