"""SAMME against a version that follows the paper line by line, and the method of its votes."""

import numpy as np
import pytest
from ensembling import members_of, network
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from fashion_zoo import DataError
from fashion_zoo.ensembles import WORDS, boosting, combine
from fashion_zoo.ensembles.choosing import log_mean, predicted


def samme(predictions, labels, classes):
    """Algorithm 2 of Zhu et al. 2009: the votes, and the weights after the last member."""
    n = len(labels)
    w, alphas = [1 / n] * n, []
    for row in predictions:
        err = sum(w[i] for i in range(n) if row[i] != labels[i]) / sum(w)
        alpha = np.log((1 - err) / err) + np.log(classes - 1)
        w = [w[i] * np.exp(alpha * (row[i] != labels[i])) for i in range(n)]
        w = [one / sum(w) for one in w]
        alphas.append(alpha)
    return np.array(alphas), np.array(w)


@pytest.fixture
def predictions():
    """Those of three members of 60 %, 75 % and 50 % for 200 images of 4 classes."""
    generator = np.random.default_rng(0)
    labels = generator.integers(4, size=200)
    wrong = np.array([generator.random(200) > right for right in (0.6, 0.75, 0.5)])
    return np.where(wrong, (labels + 1) % 4, labels), labels


def test_votes_and_weights_are_those_of_the_paper(predictions):
    rows, labels = predictions
    alphas, expected = samme(rows, labels, 4)
    correct, weights = rows == labels, np.ones(200)
    assert boosting.votes(correct, 4) == pytest.approx(alphas, rel=1e-12)
    for one in correct:
        weights = boosting.reweighted(one, weights, 4)
    assert weights / 200 == pytest.approx(expected, rel=1e-12)
    assert weights.mean() == pytest.approx(1)


def test_after_a_member_the_images_that_it_misses_weigh_as_guessing_would(predictions):
    rows, labels = predictions
    weights = boosting.reweighted(rows[0] == labels, np.ones(200), 4)
    assert weights[rows[0] != labels].sum() / weights.sum() == pytest.approx(3 / 4)
    assert boosting.vote(rows[0] == labels, weights, 4) == pytest.approx(0, abs=1e-9)


def test_the_votes_are_those_of_scikit_learn(images):
    pixels, labels = images.images.reshape(200, -1), images.labels
    chosen = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=4, random_state=0)
    chosen.fit(pixels, labels)
    correct = np.array([one.predict(pixels) == labels for one in chosen.estimators_])
    assert boosting.votes(correct, 10) == pytest.approx(chosen.estimator_weights_[:4], rel=1e-9)


def test_a_member_without_errors_has_a_finite_vote_and_changes_no_weight():
    correct, weights = np.ones(100, bool), np.linspace(0.5, 1.5, 100)
    assert boosting.vote(correct, weights, 10) == pytest.approx(np.log(199) + np.log(9))
    assert np.array_equal(boosting.reweighted(correct, weights, 10), weights / weights.mean())


def test_a_member_no_better_than_guessing_has_no_vote_and_changes_no_weight():
    correct = np.arange(100) % 10 == 0
    assert boosting.vote(correct, np.ones(100), 10) == 0
    assert np.array_equal(boosting.reweighted(correct, np.ones(100), 10), np.ones(100))
    with pytest.raises(DataError, match="No member classifies the training images better than"):
        boosting.votes(np.array([correct, correct]), 10)


def test_validation_chooses_how_many_of_the_first_members_are_taken():
    def sure_of(*classes):
        return np.log(np.where(np.eye(3)[list(classes)], 0.8, 0.1))

    labels = np.array([0, 1, 2])
    rows = np.array([sure_of(0, 1, 0), sure_of(2, 1, 2), sure_of(0, 0, 2), sure_of(1, 2, 0)])
    assert boosting.first(rows, labels, np.ones(4)) == 3, "two of three are right of each image"
    assert boosting.first(np.array([sure_of(0, 1, 2), *rows]), labels, np.ones(5)) == 1
    assert boosting.first(rows[:2], labels, np.array([0.0, 1.0])) == 2, "the first has no vote"


def test_the_model_is_the_mean_that_the_votes_weigh(images):
    models = [network(seed) for seed in range(3)]
    members = members_of(models, images.images, images.labels)
    votes = boosting.votes(members.correct(), 10)
    chosen = boosting.first(members.log_probabilities, members.labels, votes)
    found = combine(members, WORDS.parse("boost"))
    expected = np.where(np.arange(3) < chosen, votes, 0) / votes[:chosen].sum()
    assert found.weights == pytest.approx(expected)
    mean = log_mean(members.log_probabilities, expected)
    assert predicted(found.model, images.images) == pytest.approx(mean, abs=1e-4)


def test_all_members_are_taken_where_they_are_asked_for(images):
    models = [network(seed) for seed in range(3)]
    of_two = predicted(models[0], images.images) + predicted(models[1], images.images)
    members = members_of(models, images.images, of_two.argmax(axis=1))
    votes = boosting.votes(members.correct(), 10)
    assert (votes > 0).all()
    assert combine(members, WORDS.parse("boost")).weights[2] == 0
    whole = combine(members, WORDS.parse("boost('all')"))
    assert whole.weights == pytest.approx(votes / votes.sum())
