"""Soups: one model with averaged weights."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from fashion_zoo.ensembles.choosing import predicted, score
from fashion_zoo.ensembles.values import Combination, Members
from fashion_zoo.errors import ConfigError
from fashion_zoo.layers import as_array, renew_statistics

_COMPARED = 100  # images


class _Mixed(NamedTuple):
    """A mean of weights, and what it predicts."""

    weights: list[np.ndarray]
    log_probabilities: np.ndarray


def make_soup(members: Members, *, greedy: bool) -> Combination:
    """Average the weights of members, of all or of those that validation prefers.

    Raises:
        ConfigError: if the members are not of one architecture and precision.
    """
    scores = [score(one, members.labels) for one in members.log_probabilities]
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    model, own = members.load(0), [members.load(place).get_weights() for place in range(len(order))]
    _check_one_architecture(members, model, own)
    if not greedy:
        return _combination(members, model, order, _mixed(members, model, own, order))
    chosen = order[:1]
    best = _Mixed(own[chosen[0]], members.log_probabilities[chosen[0]])
    for place in order[1:]:
        tried = _mixed(members, model, own, [*chosen, place])
        if score(tried.log_probabilities, members.labels)[0] >= _correct(best, members):
            chosen, best = [*chosen, place], tried
    return _combination(members, model, chosen, best)


def _correct(mixed: _Mixed, members: Members) -> int:
    return score(mixed.log_probabilities, members.labels)[0]


def _mixed(
    members: Members,
    model: keras.Model,
    own: Sequence[Sequence[np.ndarray]],
    places: Sequence[int],
) -> _Mixed:
    """Give a model the mean of the weights of some members, and the statistics that fit them."""
    chosen = (own[place] for place in places)
    means = [np.mean(each, axis=0, dtype="float64") for each in zip(*chosen, strict=True)]
    model.set_weights([mean.astype(old.dtype) for mean, old in zip(means, own[0], strict=True)])
    renew_statistics(model, members.batches(model))
    return _Mixed([as_array(one).copy() for one in model.weights], predicted(model, members.images))


def _combination(
    members: Members, model: keras.Model, chosen: Sequence[int], mixed: _Mixed
) -> Combination:
    def build() -> keras.Model:
        model.set_weights(mixed.weights)
        return model

    count = len(members.names)
    weights = np.bincount(chosen, minlength=count) / len(chosen)
    return Combination(mixed.log_probabilities, build, weights.tolist())


def _check_one_architecture(
    members: Members, model: keras.Model, own: Sequence[Sequence[np.ndarray]]
) -> None:
    """Check that one model gives every member's predictions with that member's weights."""
    shapes = [*map(np.shape, own[0])]
    images = members.images[:_COMPARED]
    for place, weights in enumerate(own):
        same = [*map(np.shape, weights)] == shapes
        if same:
            model.set_weights(weights)
            expected = members.log_probabilities[place, : len(images)]
            same = np.allclose(np.exp(predicted(model, images)), np.exp(expected), atol=1e-5)
        if not same:
            raise ConfigError(
                "A soup is made of weights of one architecture and precision, and those of "
                f"{members.names[place]} do not fit the layers of {members.names[0]}. Other "
                "methods, such as average, take any members."
            )
