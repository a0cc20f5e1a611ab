"""The experiment on fine-tuning: where its trainings start, and what its table compares."""

import numpy as np
import pytest
from arms import measured

import fashion_zoo
from fashion_zoo import experiments
from fashion_zoo.data import load
from fashion_zoo.experiments import page
from fashion_zoo.training import fit as fits
from recipes import experiment
from recipes.experiments import fine_tuning


@pytest.fixture
def found():
    return experiment.find("fine_tuning")


def started(weights, seed, monkeypatch):
    """Return the weights with which a training on the digits begins, by path, and its plan."""
    begun = []

    def fit(model, planned, data, *_):
        begun.append(({one.path: np.array(one) for one in model.weights}, planned, data))

    with monkeypatch.context() as patch:
        patch.setattr(fits, "fit", fit)
        row = fine_tuning.measure(weights, seed, load(fine_tuning.SOURCES["digits"]))
    assert set(row) == {"validation_accuracy", "test_accuracy"}
    return begun[0]


@pytest.mark.slow
def test_both_starts_differ_in_the_hidden_layers_only(monkeypatch):
    (published, planned, data), (initial, other, _) = (
        started(weights, 3, monkeypatch) for weights in ("fashion_mnist", None)
    )
    known = fashion_zoo.get("bn_mlp", weights="fashion_mnist")
    for weight in known.weights:
        head, rate = weight.path.startswith("logits/"), weight.path.endswith("/rate")
        assert np.array_equal(published[weight.path], np.array(weight)) != head, weight.path
        assert head == np.array_equal(published[weight.path], initial[weight.path]) or rate
    assert (planned.seed, other.seed, planned.epochs) == (3, 3, other.epochs)
    assert np.array_equal(planned.tables["learning_rate"], other.tables["learning_rate"])
    assert data.image_shape == (28, 28)
    assert len(data.train.labels) + len(data.validation.labels) + len(data.test.labels) == 1797


def test_the_table_compares_the_starts_on_the_same_images_by_seed(found):
    reached = {
        "MNIST, initial weights": (0.90, 0.92),
        "MNIST, weights of Fashion-MNIST": (0.93, 0.95),
        "digits, weights of Fashion-MNIST": (0.80, 0.82),
    }
    rows = {
        arm: [{"validation_accuracy": 0.5, "test_accuracy": value} for value in values]
        for arm, values in reached.items()
    }
    lines = measured(found, rows).table().splitlines()[2:5]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [line[:2] for line in cells] == [arm.split(", ") for arm in reached]
    assert [line[4] for line in cells] == ["", "+3.00", ""]


def test_each_set_has_both_starts_and_a_fifth_for_the_test(found):
    arms = found.all_arms()
    assert [arm.name for arm in arms] == [
        f"{images}, {start}" for images in ("MNIST", "digits") for start in fine_tuning.STARTS
    ]
    assert {arm.changes["data"]["test"] for arm in arms} == {0.2}
    assert found.seeds == 5


@pytest.mark.slow
def test_the_trainings_on_the_digits_learn_and_are_kept(found, tmp_path, monkeypatch):
    name = "digits, weights of Fashion-MNIST"
    options = {"seeds": 2, "folder": tmp_path, "only": name}
    table = experiments.run(found, **options)
    rows = page.read_rows(tmp_path / "fine_tuning.csv")
    assert [(row["arm"], row["seed"]) for row in rows] == [(name, 0), (name, 1)]
    assert all(row["test_accuracy"] > 0.8 < row["validation_accuracy"] for row in rows)
    monkeypatch.setattr(fits, "fit", None)
    assert experiments.run(found, **options) == table, "nothing is trained again"
