import re

import keras
import keras_tuner
import numpy as np
import pytest

from fashion_zoo import recipe
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.errors import ConfigError
from fashion_zoo.models.mlp_space import MLPSpace
from fashion_zoo.spaces import complete
from fashion_zoo.tuning import RecipeHyperModel, StudyOracle, hypermodel

SMALL = {"data": {"limit": 200}, "training": {"epochs": 2, "batch_size": 128}}
FEW = {
    "depth": "whole(1, 2)",
    "units": "choice(8, 16, 512, 256)",
    "batch_size": "128",
    "augmentation": "'none'",
    "mixing": "'none'",
}


def small():
    return hypermodel("bn_mlp", space=FEW, **SMALL)


def test_without_a_choice_it_is_the_recipe():
    made = hypermodel("bn_mlp")
    hp = keras_tuner.HyperParameters()
    config = made.config(hp)
    entry = recipe("bn_mlp").config
    assert config.training == entry.training
    assert config.model.hidden_units == entry.model.hidden_units
    assert config.model.dropout_rates == entry.model.dropout_rates
    model = made.build(keras_tuner.HyperParameters())
    assert model.count_params() == keras.Model.count_params(made.build(hp))
    assert float(model.optimizer.learning_rate) == pytest.approx(3e-3 / 25)  # one_cycle begins


def test_the_tuner_learns_every_parameter_and_what_it_hangs_on():
    made = hypermodel("bn_mlp")
    hp = keras_tuner.HyperParameters()
    made.config(hp)
    parameters = MLPSpace(normalization="'batch'").parameters(recipe("bn_mlp").config)
    assert [one.name for one in hp.space] == [one.name for one in parameters]
    for one, parameter in zip(hp.space, parameters, strict=True):
        conditions = {parent.name: tuple(parent.values) for parent in one.conditions}
        assert conditions == dict(parameter.when), one.name
        assert one.default == parameter.default


def test_values_of_the_tuner_reach_the_config():
    made = hypermodel("bn_mlp")
    hp = keras_tuner.HyperParameters()
    made.config(hp)
    hp.values = complete(made.parameters, {"depth": 1, "units_1": 64, "learning_rate": 0.01})
    config = made.config(hp)
    assert config.model.hidden_units == (64,)
    assert config.training.learning_rate == 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tuner", "options"),
    [
        (keras_tuner.RandomSearch, {"max_trials": 2}),
        (keras_tuner.BayesianOptimization, {"max_trials": 4}),
        (keras_tuner.Hyperband, {"max_epochs": 3, "factor": 3, "hyperband_iterations": 1}),
    ],
)
def test_a_stock_tuner_runs(tuner, options, tmp_path):
    found = tuner(
        small(), objective="val_accuracy", seed=1, directory=tmp_path, project_name="p", **options
    )
    found.search(verbose=0)
    best = found.oracle.get_best_trials()[0]
    assert best.status == "COMPLETED"
    assert 0.1 < best.score < 1
    model = found.get_best_models()[0]
    assert model.predict(np.zeros((1, 28, 28)), verbose=0).shape == (1, 10)


@pytest.mark.slow
def test_a_stock_tuner_runs_with_a_study(tmp_path, opened):
    study = opened(trials=2)
    found = keras_tuner.Tuner(StudyOracle(study), small(), directory=tmp_path, project_name="p")
    found.search(verbose=0)
    scores = [plan.outcome.value for plan in study.plans()]
    assert [trial.score for trial in found.oracle.get_best_trials(2)] == sorted(scores)[::-1]
    assert all(0 < score < 1 for score in scores)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((1, 2), {"batch_size": 32}, "received images or labels, batch_size. Leave that out"),
        ((), {"validation_data": (1, 2)}, "brings its own images and settings; received validatio"),
        ((), {"callbacks": [keras.callbacks.ReduceLROnPlateau()]},
         "ReduceLROnPlateau cannot set the learning rate, which follows training.schedules"),
    ],
)  # fmt: skip
def test_what_a_search_cannot_take_ends_it_in_the_first_trial(
    data, options, message, tmp_path, monkeypatch
):
    def quick(self, hp):
        self.config(hp)
        return keras.Sequential()

    monkeypatch.setattr(RecipeHyperModel, "build", quick)
    found = keras_tuner.RandomSearch(
        small(), objective="val_accuracy", max_trials=4, directory=tmp_path, project_name="p"
    )
    with pytest.raises(ConfigError, match=message):
        found.search(*data, verbose=0, **options)
    assert len(found.oracle.trials) == 1


def test_a_model_is_compiled_once_unless_it_is_trained_for_other_epochs(monkeypatch):
    compiled, really = [], keras.Model.compile

    def count(model, *arguments, **options):
        compiled.append(model)
        really(model, *arguments, **options)

    monkeypatch.setattr(keras.Model, "compile", count)
    monkeypatch.setattr(keras.Model, "fit", lambda model, *_, **__: setattr(model, "history", {}))
    made, hp = small(), keras_tuner.HyperParameters()
    model = made.build(hp)
    made.fit(hp, model)
    assert compiled == [model]
    made.fit(hp, model, epochs=3)
    assert compiled == [model, model]


def test_an_optimizer_gets_its_variables_once():
    changes = {"precision": "mixed_float16", "training": {"optimizer": "lookahead(sgd)"}}
    few = {**FEW, "optimizer": "choice('lookahead(sgd)')"}
    made = hypermodel("bn_mlp", space=few, data={"limit": 200}, **changes)
    model = made.build(keras_tuner.HyperParameters())
    names = [one.path for one in model.optimizer.variables]
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_a_model_goes_on_at_its_epoch():
    """As in Hyperband, where a trial begins with the weights of an earlier one."""
    made = small()
    hp = keras_tuner.HyperParameters()
    made.config(hp)
    model = made.build(hp)
    history = made.fit(hp, model, epochs=3, initial_epoch=2, verbose=0)
    assert history.epoch == [2]
    assert int(model.optimizer.iterations) == 3  # one step an epoch
    assert history.history["learning_rate"] == [pytest.approx(3e-3 / 250_000)]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bn_mpl", {}, "Unknown recipe 'bn_mpl'. Did you mean 'bn_mlp'?"),
        ("bn_mlp", {"space": {"rate": "'a'"}}, "Unknown option of the space 'rate'."),
        ("bn_mlp", {"space": {"optimizer": "choice('adam', 'adamm')"}},
         "The search space takes optimizer to 'adamm', which the recipe cannot have. "
         "optimizer: Cannot read 'adamm', column 1: Unknown optimizer 'adamm'. Did you mean"),
        ("bn_mlp", {"space": {"dropout": "uniform(0.5, 1.5)"}},
         "The search space takes dropout_1 to 1.5"),
        ("bn_mlp", {"space": {"augmentation": "choice('none', 'flipp')"}}, "'flipp'"),
        ("bn_mlp", {"space": {"depth": "whole(0, 3)"}}, "takes depth to 0"),
    ],
)  # fmt: skip
def test_a_bad_space_is_answered_before_anything_is_trained(name, options, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        hypermodel(name, **options)


@pytest.mark.parametrize(("folds", "count"), [(0, 200), (2, 100)])
def test_a_space_with_batches_of_more_images_than_there_are_is_refused(folds, count):
    entry = recipe("bn_mlp")
    config = override(entry.config, {"data": {"limit": 200}})
    message = f"takes batch_size to 512. training.batch_size must be at most {count}, the number"
    with pytest.raises(ConfigError, match=message):
        RecipeHyperModel(entry, config, entry.space, load(config.data), folds=folds)


def test_all_batches_of_an_update_count():
    settings = {"data": {"limit": 2000}, "training": {"accumulation": 5}}
    message = r"training\.accumulation 5 must be at most 2,000"
    with pytest.raises(ConfigError, match=message) as found:
        hypermodel("bn_mlp", **settings)
    assert 'Set space={"batch_size": "256"}' in str(found.value)
    with pytest.raises(ConfigError, match=r"training\.accumulation 4 must be at most 2,000"):
        hypermodel("bn_mlp", space={"accumulation": "choice(1, 4)"}, data={"limit": 2000})
