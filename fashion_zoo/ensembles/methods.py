"""Methods to make one model of several, each a word.

A method sees the members' predictions for the validation images, and never a test image.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from fashion_zoo.ensembles import boosting
from fashion_zoo.ensembles.choosing import greedy_counts, log_mean
from fashion_zoo.ensembles.values import Combination, Members
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    import keras

Soup = Literal["greedy", "uniform"]
Boosted = Literal["first", "all"]


@dataclasses.dataclass(frozen=True)
class Method:
    """A method with its arguments."""

    combine: Callable[[Members], Combination]
    """Chooses by the validation images, and says what it chose."""


WORDS: Vocabulary[Method] = Vocabulary(
    "ensemble method",
    example="greedy(10)",
    finish=lambda made: made if isinstance(made, Method) else None,
)


@WORDS.register
def average() -> Method:
    """The mean of the members' probabilities.

    Reference: Lakshminarayanan et al. 2017, arXiv:1612.01474.
    """
    return Method(lambda members: _mean(members, np.ones(len(members.names), "int64")))


@WORDS.register
def greedy(size: int = 10) -> Method:
    """A weighted mean of probabilities: members chosen one by one, ``size`` times at most.

    The same member may be chosen again, which is its weight.

    Reference: Caruana et al. 2004, doi:10.1145/1015330.1015432.
    """
    checks.whole("size", size, 1, 1000)

    def combine(members: Members) -> Combination:
        counts = greedy_counts(members.log_probabilities, members.labels, size)
        return _mean(members, counts)

    return Method(combine)


@WORDS.register
def soup(choice: Soup = "greedy") -> Method:
    """The mean of the members' weights: one model of the size of a member.

    ``uniform`` takes all members; ``greedy`` begins with the best one and adds each other, the
    better ones first, if validation accuracy does not fall. Batch-norm statistics are computed
    anew.

    Reference: Wortsman et al. 2022, arXiv:2203.05482.
    """
    checks.choice("choice", choice, Soup)

    def combine(members: Members) -> Combination:
        from fashion_zoo.ensembles.soups import make_soup

        return make_soup(members, greedy=choice == "greedy")

    return Method(combine)


@WORDS.register
def boost(choice: Boosted = "first") -> Method:
    """A mean of probabilities, weighted by the votes that SAMME gives to the members.

    The votes are those of the members in their order, of the training images. ``all`` takes all
    members; of ``first`` validation chooses how many of the first members are taken. Members that
    were trained by boosting are meant.

    Reference: Zhu et al. 2009, Statistics and Its Interface 2(3), doi:10.4310/SII.2009.v2.n3.a8.
    """
    checks.choice("choice", choice, Boosted)

    def combine(members: Members) -> Combination:
        classes = members.log_probabilities.shape[-1]
        votes = boosting.votes(members.correct(), classes)
        chosen = len(votes)
        if choice == "first":
            chosen = boosting.first(members.log_probabilities, members.labels, votes)
        return _mean(members, np.where(np.arange(len(votes)) < chosen, votes, 0.0))

    return Method(combine)


@WORDS.register
def stack(c: float = 1.0) -> Method:
    """A logistic regression of the members' log-probabilities, with an L2 penalty of 1 / ``c``.

    It is fitted on the validation images; its figure there is out of fold.

    Reference: Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1.
    """
    checks.positive("c", c)

    def combine(members: Members) -> Combination:
        from fashion_zoo.ensembles.stacks import make_stack

        return make_stack(members, float(c))

    return Method(combine)


def _mean(members: Members, counts: np.ndarray) -> Combination:
    """Return the mean of probabilities, each member as often as it counts."""
    weights = counts / counts.sum()

    def build() -> "keras.Model":
        from fashion_zoo.ensembles.building import mean_model

        places = np.flatnonzero(counts).tolist()
        return mean_model([members.load(place) for place in places], weights[places])

    return Combination(log_mean(members.log_probabilities, weights), build, weights.tolist())
