"""SAMME: boosting of several classes, in numpy.

    err_m   = sum_i w_i [member m is wrong on image i] / sum_i w_i
    vote_m  = log((1 - err_m) / err_m) + log(classes - 1)
    w_i     = w_i exp(vote_m [member m is wrong on image i])

over the training images, from equal weights. Of two classes it is AdaBoost. A vote is above 0 if
the member is better than guessing.

Reference: Zhu et al. 2009, Statistics and Its Interface 2(3), doi:10.4310/SII.2009.v2.n3.a8,
algorithm 2.
"""

import math

import numpy as np

from fashion_zoo.ensembles.choosing import log_mean, score
from fashion_zoo.errors import DataError


def vote(correct: np.ndarray, weights: np.ndarray, classes: int) -> float:
    """Return the vote of a member, at least 0: one that is no better than guessing has none.

    The error is taken to be at least that of half an image of mean weight: the vote of a member
    that makes no error would be infinite.

    Args:
        correct: (images,) bool, which images it classifies correctly.
        weights: (images,) weights of the images, above 0.
        classes: number of classes.
    """
    error = max(float(weights[~correct].sum() / weights.sum()), 0.5 / len(weights))
    if error >= 1 - 1 / classes:
        return 0.0
    return math.log((1 - error) / error) + math.log(classes - 1)


def reweighted(correct: np.ndarray, weights: np.ndarray, classes: int) -> np.ndarray:
    """Return the weights of the images for the next member, (images,) float64 with a mean of 1."""
    found = weights * np.where(correct, 1.0, np.exp(vote(correct, weights, classes)))
    return found / found.mean()


def votes(correct: np.ndarray, classes: int) -> np.ndarray:
    """Return the vote of each member, (members,) float64, given (members, images) bool.

    Raises:
        DataError: if no member is better than guessing.
    """
    weights, found = np.ones(correct.shape[1]), []
    for one in correct:
        found.append(vote(one, weights, classes))
        weights = reweighted(one, weights, classes)
    if not any(found):
        raise DataError(
            "No member classifies the training images better than guessing, so none has a vote. "
            "Train them longer, or use another method, such as average."
        )
    return np.array(found)


def first(log_probabilities: np.ndarray, labels: np.ndarray, given: np.ndarray) -> int:
    """Return how many of the first members to take, by their score on the validation images.

    Args:
        log_probabilities: (members, images, classes) float64.
        labels: (images,) integers.
        given: (members,) votes.
    """
    counts = [count for count in range(1, len(given) + 1) if given[:count].any()]

    def reached(count: int) -> tuple[int, float]:
        share = given[:count] / given[:count].sum()
        return score(log_mean(log_probabilities[:count], share), labels)

    return max(counts, key=reached)
