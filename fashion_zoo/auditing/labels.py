"""Likely label errors, by confident learning.

Reference: Northcutt, Jiang & Chuang 2021, Journal of Artificial Intelligence Research 70.
"""

import numpy as np

from fashion_zoo.auditing.collection import Collection
from fashion_zoo.data.batches import fold_positions
from fashion_zoo.errors import ConfigError, Hint

_ROUNDING = 1e-6  # of a mean; cleanlab has the same
LIMIT = 0.01  # docs/commands/audit.md says how it was chosen


def folds_of(images: Collection, folds: int) -> np.ndarray:
    """Return the stratified fold of each training and validation image, (m,) from 0.

    Images with equal pixels are in the same fold. Raises ConfigError if a class has fewer.
    """
    firsts, copy_of = np.unique(images.first_equals[images.learned], return_inverse=True)
    labels = images.labels[firsts]
    counts = np.bincount(labels, minlength=len(images.class_names))
    if (fewest := int(counts.min())) < folds:
        raise ConfigError(
            f"folds must be at most {fewest}, the number of different images of class "
            f"{images.class_names[int(counts.argmin())]!r}, received {folds}. Set fewer, or leave "
            "the search for label errors out with ",
            Hint("folds", 0),
            ".",
        )
    fold_of = np.empty(len(firsts), np.int64)
    for number, (_, held_out) in enumerate(fold_positions(labels, folds)):
        fold_of[held_out] = number
    return fold_of[copy_of]


def suspects(
    labels: np.ndarray, probabilities: np.ndarray, known: np.ndarray | None = None
) -> np.ndarray:
    """Return where labels are likely wrong, (m,) positions, the least likely label first.

    A class is confidently predicted if its probability is at least the mean of that probability
    over the images with this label. A label is suspected if another class is confidently predicted,
    and the probability of the label, its self-confidence, is at most ``LIMIT``.

    Args:
        labels: (n,) integers.
        probabilities: (n, classes), predicted by models that were not trained on the image.
        known: (n,) whether the label of an image counts in those means; by default all.
    """
    from cleanlab import count, rank

    known = np.full(len(labels), True) if known is None else known
    thresholds = count.get_confident_thresholds(labels[known], probabilities[known])
    confident = np.where(probabilities >= thresholds - _ROUNDING, probabilities, 0)
    guess = np.where(confident.any(axis=1), confident.argmax(axis=1), labels)
    quality = rank.get_label_quality_scores(labels, probabilities, method="self_confidence")
    order = np.argsort(quality, kind="stable")
    return order[(guess != labels)[order] & (quality[order] <= LIMIT)]
