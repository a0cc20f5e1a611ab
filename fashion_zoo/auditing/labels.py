"""Likely label errors, by confident learning.

Reference: Northcutt, Jiang & Chuang 2021, Journal of Artificial Intelligence Research 70.
"""

import numpy as np

from fashion_zoo.auditing.collection import Collection
from fashion_zoo.data.batches import fold_positions
from fashion_zoo.errors import ConfigError, Hint

LIMIT = 0.002  # docs/commands/audit.md says how it was chosen


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

    Confident learning estimates how many labels are wrong: those of the images for which another
    class is at least as likely as it is on average for the images with that label. As many with the
    smallest probability of their label, its self-confidence, are suspected, but only those where it
    is at most ``LIMIT``.

    Args:
        labels: (n,) integers.
        probabilities: (n, classes), predicted by models that were not trained on the image.
        known: (n,) whether the label of an image counts in that estimate; by default all. Others
            are suspected where their labels are as unlikely.
    """
    from cleanlab import filter, rank

    known = np.full(len(labels), True) if known is None else known
    quality = rank.get_label_quality_scores(labels, probabilities, method="self_confidence")
    listed = filter.find_label_issues(
        labels[known], probabilities[known], filter_by="low_self_confidence", n_jobs=1
    )
    limit = min(LIMIT, quality[known][listed].max(initial=-1))
    wrong = (quality <= limit) & (probabilities.argmax(axis=1) != labels)
    order = np.argsort(quality, kind="stable")
    return order[wrong[order]]
