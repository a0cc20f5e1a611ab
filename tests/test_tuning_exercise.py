"""The exercise on automatic tuning: its search, and the space that is searched."""

import pytest

import fashion_zoo
from fashion_zoo.config.overrides import override
from fashion_zoo.spaces import narrowed
from recipes.experiments import _training, tuning


@pytest.mark.slow
def test_a_search_has_the_rows_of_its_best_trial_and_of_the_defaults(monkeypatch):
    monkeypatch.setattr(tuning, "EPOCHS", 1)
    data = fashion_zoo.data.load(limit=400)
    rows = {arm: tuning.measure(arm, 0, data, trials=3, again=1) for arm in ("tuned", "defaults")}
    assert rows["defaults"]["units"] == 256
    for row in rows.values():
        assert row["optimism"] == pytest.approx(row["score"] - row["validation_accuracy"])
        assert row["score"] in _scores(row)
        assert 0 < row["test_accuracy"] < 1
        assert 1e-5 <= row["learning_rate"] <= 1e-1
    assert len(_training.numbers(rows["tuned"]["scores"])) == 3
    assert rows["tuned"]["scores"] == rows["defaults"]["scores"], "one search for both"


def _scores(row):
    return [pytest.approx(one, abs=1e-4) for one in _training.numbers(row["scores"])]


def test_the_space_of_the_search_has_three_hyperparameters():
    config = override(fashion_zoo.recipe("bn_mlp").config, {"model": {"hidden_units": (256,)}})
    space = narrowed(fashion_zoo.recipe("bn_mlp").space, tuning.SPACE, config)
    ends = {one.name: _ends(one.range) for one in space.parameters(config)}
    searched = {name: own for name, own in ends.items() if len(set(own)) > 1}
    assert set(searched) == set(tuning.PARAMETERS.values())
    assert searched == {
        "learning_rate": (1e-5, 0.1), "dropout_1": (0.0, 0.5), "units_1": (128, 256, 512)
    }  # fmt: skip


def _ends(found):
    return found.values if hasattr(found, "values") else (found.low, found.high)
