import types

import keras
import numpy as np
import pytest
from fitting import fit_recipe
from resuming import assert_same, stopped, train

import fashion_zoo
from fashion_zoo import ConfigError, PlateauConfig, override, recipe
from fashion_zoo.callbacks import ReduceOnPlateau
from fashion_zoo.optimizers import WORDS, build_optimizer, last_step, set_rate_factor, to_keras

NEVER = {"monitor": "accuracy", "patience": 1, "factor": 0.5, "min_delta": 1.0}
OPTIONS = {
    "model": {"hidden_units": (8,)},
    "data": {"limit": 300},
    "training": {
        "epochs": 4,
        "batch_size": 100,
        "schedules": {"learning_rate": "constant"},
        "plateau": NEVER,
    },
}


def scales(values, **settings):
    """Return the factor in each epoch whose validation metric is given."""
    settings = PlateauConfig(**{"monitor": "loss", "patience": 2, "factor": 0.5, **settings})
    optimizer = build_optimizer(
        WORDS.parse("sgd"), learning_rate=np.ones(1, "float32"), adjustable=True
    )
    callback, found = ReduceOnPlateau(settings), []
    callback.set_model(types.SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        found.append(last_step(optimizer)["learning_rate"])
        callback.on_epoch_end(epoch, {f"val_{settings.monitor}": value})
    return found


def test_the_rate_falls_after_each_patience_without_improvement():
    assert scales([5, 4, 4, 4, 4, 4, 4]) == [1, 1, 1, 1, 0.5, 0.5, 0.25]
    assert scales([5, 4, 5, 3, 5, 5, 5]) == [1, 1, 1, 1, 1, 1, 0.5]
    assert scales([1, 2, 2, 2], monitor="accuracy") == [1, 1, 1, 1]
    assert scales([2, 1, 1, 1], monitor="accuracy") == [1, 1, 1, 0.5]


def test_a_small_improvement_does_not_count_and_the_rate_has_a_lowest_factor():
    assert scales([5, 4.9, 4.8, 4.7], min_delta=0.25) == [1, 1, 1, 0.5]
    assert scales([5, 5, 5, 5, 5], patience=1, lowest=0.375) == [1, 1, 0.5, 0.375, 0.375]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_plateau_trains_as_the_schedule_with_the_same_rates_does(precision):
    """To the last bit: so the factor is in the graph, from the first step of its epoch."""
    config = override(recipe("baseline_mlp").config, {**OPTIONS, "precision": precision})
    model, rows = fit_recipe("baseline_mlp", config)
    same = {
        "plateau": {"monitor": "none"},
        "schedules": {"learning_rate": "step(0.5, at=[0.5, 0.75])"},
    }
    other, expected = fit_recipe("baseline_mlp", override(config, {"training": same}))
    base = config.training.learning_rate
    assert [row["learning_rate"] / base for row in rows] == pytest.approx([1, 1, 0.5, 0.25])
    assert rows == expected
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))
    names = [one.name for one in model.optimizer.variables]
    assert "learning_rate_factor" in names
    assert "learning_rate_factor" not in [one.name for one in other.optimizer.variables]


@pytest.mark.slow
def test_a_lowered_rate_is_resumed_and_saved(tmp_path, monkeypatch):
    whole = train(tmp_path / "whole", **OPTIONS)
    stopped(tmp_path / "r", 3, monkeypatch, **OPTIONS)
    run = train(tmp_path / "r", resume=True)
    assert_same(run, whole)
    base = run.config.training.learning_rate
    assert run.history()["learning_rate"] == pytest.approx([base, base, base / 2, base / 4])
    assert float(run.load_model().optimizer.learning_rate) == pytest.approx(base / 4)


def test_the_saved_optimizer_has_the_lowered_rate():
    optimizer = build_optimizer(
        WORDS.parse("adam"), learning_rate=np.ones(3, "float32"), adjustable=True, scale_loss=True
    )
    set_rate_factor(optimizer, 0.25)
    plain = to_keras(optimizer)
    assert isinstance(plain, keras.optimizers.LossScaleOptimizer)
    assert float(plain.inner_optimizer.learning_rate) == 0.25


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plateau": {"monitor": "los"}}, "plateau.monitor 'los'. Did you mean 'loss'"),
        ({"plateau": {"factor": 1.0}}, "plateau.factor must be a number above 0 and below 1"),
        ({"plateau": {"lowest": 0}}, "plateau.lowest must be a number above 0 and below 1"),
        (
            {"schedules": {"learning_rate": "one_cycle"}},
            "needs a schedule that does not, received 'one_cycle'. Set "
            'training={"schedules": {"learning_rate": "constant"}} or',
        ),
        (
            {"early_stopping": {"monitor": "accuracy", "patience": 1}},
            "Training stops after 1 epoch without improvement, before the learning rate falls "
            "after 1. Set",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    config = override(recipe("baseline_mlp").config, OPTIONS)
    with pytest.raises(ConfigError) as found:
        override(config, {"training": changes})
    assert message in str(found.value)


def test_a_warmup_another_monitor_and_a_longer_patience_are_allowed():
    config = override(recipe("baseline_mlp").config, OPTIONS)
    for changes in (
        {"schedules": {"learning_rate": "warmup(0.05) >> constant"}},
        {"early_stopping": {"monitor": "loss", "patience": 1}},
        {"early_stopping": {"monitor": "accuracy", "patience": 2}},
    ):
        override(config, {"training": changes})
    watched = override(config, {"training": {"plateau": {"monitor": "worst_recall"}}})
    assert watched.training.watched == ("worst_recall",)


def test_a_metric_that_is_not_logged_is_an_error():
    with pytest.raises(ConfigError, match="needs val_loss, which is not in the logs"):
        ReduceOnPlateau(PlateauConfig("loss")).on_epoch_end(0, {"loss": 1.0})
    assert fashion_zoo.TrainingConfig().plateau.monitor == "none"
