"""What KerasTuner expects of an oracle, and what its own tests hold, of one over a study."""

import math

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine.trial import TrialStatus
from optuna.trial import TrialState
from ordinary import LOSS, end, memory, ordinary
from searching import space

from fashion_zoo.errors import ConfigError, StudyError
from fashion_zoo.tuning import StudyOracle, hypermodel, sampling


@pytest.mark.parametrize(("direction", "sign"), [("min", 1), ("max", -1)])
def test_a_broken_trial_has_no_value_and_is_never_the_best(direction, sign):
    study = memory(directions=(f"{direction}imize",))
    oracle = ordinary(study, keras_tuner.Objective("loss", direction))
    for value in (math.nan, 7 * sign, 9 * sign, math.inf):
        end(oracle, value)
    assert [plan.score for plan in study.plans()] == [None, 7 * sign, 9 * sign, None]
    assert {plan.outcome.state for plan in study.plans() if plan.status == "failed"} == {
        TrialState.FAIL
    }
    assert [oracle.trials[number].status for number in "0123"] == [
        "FAILED", "COMPLETED", "COMPLETED", "FAILED",
    ]  # fmt: skip
    assert [trial.score for trial in oracle.get_best_trials(2)] == [7 * sign, 9 * sign]
    assert [trial.trial_id for trial in oracle.get_best_trials()] == ["1"]


def test_patience_compares_scores_and_no_broken_trial():
    oracle = ordinary(patience=2)
    for value in (math.nan, 9.0, 8.0, math.nan, 7.0):
        end(oracle, value)
    assert oracle.create_trial("me").status == TrialStatus.RUNNING
    oracle.return_trials()
    for value in (7.5, math.nan):
        end(oracle, value)
    assert oracle.create_trial("me").status == TrialStatus.STOPPED


def test_the_sampler_takes_a_broken_trial_for_the_worst():
    study = memory()
    for value in (1.0, math.nan):
        end(ordinary(study), value)
    seen = sampling.VisibleStudy(study.name, study.backend).get_trials()
    assert [(one.state, one.value) for one in seen] == [
        (TrialState.COMPLETE, 1.0), (TrialState.PRUNED, None),
    ]  # fmt: skip
    assert seen[1].intermediate_values == {}


def test_an_invalid_trial_is_tried_again_with_its_values_and_then_failed():
    study = memory()
    oracle = ordinary(study, max_retries_per_trial=1)
    oracle.hyperparameters = space()
    end(oracle, 0.5)
    first = end(oracle, math.nan)
    assert oracle.trials["1"].status == TrialStatus.INVALID
    again = end(oracle, None, status=TrialStatus.INVALID)
    assert (again.trial_id, again.hyperparameters.values) == ("1", first.hyperparameters.values)
    assert oracle.trials["1"].status == TrialStatus.FAILED
    failed = end(oracle, None, status=TrialStatus.FAILED)
    assert oracle.create_trial("me").trial_id != failed.trial_id == "2"


def test_failures_in_a_row_end_a_search_and_others_do_not():
    oracle = ordinary(memory(20), max_retries_per_trial=1)
    for value in (None, None, None, None, 0.5) * 2:  # two trials, each tried twice
        status = TrialStatus.COMPLETED if value else TrialStatus.INVALID
        end(oracle, value, status=status)
    with pytest.raises(RuntimeError, match=r"Number of consecutive failures reached 3.*too large"):
        for _ in range(3):
            trial = oracle.create_trial("me")
            trial.status, trial.message = TrialStatus.FAILED, "too large"
            oracle.end_trial(trial)
    patient = ordinary(max_consecutive_failed_trials=None)
    for _ in range(5):
        end(patient, math.nan)


def test_hyperparameters_that_appear_while_a_trial_runs_are_tuned():
    study = memory(30)
    oracle = ordinary(study, sampler="random")
    seen = {}
    for _ in range(30):
        trial = oracle.create_trial("me")
        hp = trial.hyperparameters
        for layer in range(hp.Int("layers", 1, 4)):
            hp.Int(f"units_{layer}", 5, 50)
        hp.Boolean("shuffle")
        for name, value in hp.values.items():
            seen.setdefault(name, set()).add(value)
        oracle.update_trial(trial.trial_id, {"loss": 1.0})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert seen["shuffle"] == {False, True}
    assert oracle.hyperparameters.get("shuffle") is False  # the default
    assert seen["layers"] == {1, 2, 3, 4}
    assert all(len(seen[f"units_{layer}"]) > 5 for layer in range(4))
    assert study.plans()[0].outcome.params == {"layers": 1, "units_0": 5, "shuffle": False}


def test_a_study_that_is_opened_again_tells_what_it_has(opened):
    study = opened(trials=6, directions=("minimize",))
    first = ordinary(study)
    for value, status in ((3.0, "COMPLETED"), (math.nan, "COMPLETED"), (1.0, "COMPLETED")):
        trial = first.create_trial("me")
        trial.hyperparameters.Float("x", 0, 1)
        first.update_trial(trial.trial_id, {"loss": value})
        trial.status = status
        first.end_trial(trial)
    begun = first.create_trial("me")
    study.close()
    again = ordinary(opened(trials=6, directions=("minimize",)))
    assert {key: one.status for key, one in again.trials.items()} == {
        "0": "COMPLETED", "1": "FAILED", "2": "COMPLETED", "3": "RUNNING",
    }  # fmt: skip
    assert (again.start_order, again.end_order) == (["0", "1", "2", "3"], ["0", "1", "2"])
    assert again.remaining_trials() == 2
    assert [one.score for one in again.get_best_trials(2)] == [1.0, 3.0]
    again.reload()  # as a Tuner does that finds its own file
    best = again.get_best_trials()[0]
    assert best.hyperparameters.values == first.trials["2"].hyperparameters.values
    assert [hp.name for hp in again.get_space().space] == ["x"]
    assert best.metrics.get_best_value("loss") == 1.0
    trial = again.create_trial("me")
    assert (trial.trial_id, trial.hyperparameters.values) == ("3", begun.hyperparameters.values)
    assert {"x"} == set(trial.hyperparameters.values)


def test_overwrite_begins_a_study_anew(opened):
    study = opened(directions=("minimize",))
    end(ordinary(study), 1.0)
    ordinary(study).create_trial("me")
    with pytest.raises(StudyError, match="A worker of the study 's' is running"):
        opened(overwrite=True, fingerprint={"another": 1})
    study.close()
    anew = ordinary(opened(overwrite=True, fingerprint={"another": 1}, directions=("minimize",)))
    assert (anew.trials, anew.remaining_trials()) == ({}, 2)


def test_overwrite_waits_as_long_as_a_worker_of_another_machine_may_be_silent(opened):
    study = opened()
    study.worker = "another-1"
    study.claim()
    study.close()
    assert opened(overwrite=True, lease=0.4).plans() == []


@pytest.mark.parametrize(
    ("objective", "directions"),
    [
        ("val_loss", ("maximize",)),
        (keras_tuner.Objective("m", "max"), ("minimize",)),
        ("val_accuracy", ("maximize", "minimize")),
        (["val_accuracy", "val_loss"], ("maximize", "maximize")),
        (None, ("maximize",)),
    ],
)
def test_an_objective_that_contradicts_the_study_is_refused(objective, directions):
    with pytest.raises(ConfigError, match=r"which are not those of .* Open it with directions="):
        ordinary(memory(directions=directions), objective)


@pytest.mark.parametrize("objective", ["my_metric", 3, ["val_accuracy", 3]])
def test_an_objective_without_a_direction_is_refused(objective):
    with pytest.raises(ConfigError, match=r"Could not infer|not understood|not iterable"):
        ordinary(objective=objective)


def test_an_objective_of_ones_own_and_none_are_taken():
    study = memory(directions=("maximize",))
    oracle = ordinary(study, keras_tuner.Objective("m", "max"))
    end(oracle, 0.5, name="m")
    assert oracle.get_best_trials()[0].score == 0.5
    assert ordinary(objective=None).objective.name == "default_objective"


def test_a_misspelt_objective_is_refused_by_the_first_trial_with_what_there_is():
    study = memory(directions=("maximize",))
    oracle = ordinary(study, keras_tuner.Objective("val_acuracy", "max"))
    trial = oracle.create_trial("me")
    match = "did not report 'val_acuracy', but loss and val_accuracy. Did you mean 'val_ac"
    with pytest.raises(keras_tuner.errors.FatalError, match=match):
        oracle.update_trial(trial.trial_id, {"loss": 1.0, "val_accuracy": 0.5})
    with pytest.raises(ValueError, match="but nothing"):
        oracle.end_trial(trial)
    assert study.plans()[0].outcome is None


@pytest.mark.parametrize(
    "kind",
    [
        keras_tuner.oracles.RandomSearchOracle, keras_tuner.oracles.BayesianOptimizationOracle,
        keras_tuner.oracles.GridSearchOracle, keras_tuner.oracles.HyperbandOracle,
    ],
)  # fmt: skip
def test_what_stock_tuners_propose_is_a_config(kind, tmp_path):
    """Among it numbers of NumPy, in every kind of range."""
    options = (
        {"max_epochs": 4} if kind is keras_tuner.oracles.HyperbandOracle else {"max_trials": 12}
    )
    oracle = kind(objective="val_accuracy", seed=1, **options)
    oracle.verbose = 0
    oracle._set_project_dir(tmp_path, "p")
    made = hypermodel("bn_mlp", space={"augmentation": "choice('flip | shift(2)', 'flip')"})
    made.config(oracle.hyperparameters)
    for number in range(8):
        trial = oracle.create_trial("me")
        made.config(trial.hyperparameters)
        oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5 + 0.01 * number})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)


def test_numbers_of_numpy_are_pythons_in_a_config():
    made = hypermodel("bn_mlp")
    hp = keras_tuner.HyperParameters()
    made.config(hp)
    own = made.config(hp)
    for name, value in hp.values.items():
        hp.values[name] = np.asarray(value)[()]  # float64, int64, bool or str_
    assert repr(made.config(hp)) == repr(own)


def test_an_oracle_of_ones_own_chooses_the_values():
    class Mine(StudyOracle):
        scored = 0

        def populate_space(self, trial_id):
            if len(self.trials) == 2:
                return {"status": TrialStatus.STOPPED}
            assert self._duplicate({"x": 7}) == bool(self.trials)
            return {"status": TrialStatus.RUNNING, "values": {"x": 7}}

        def score_trial(self, trial):
            super().score_trial(trial)
            self.scored += 1

    study = memory()
    oracle = Mine(study, LOSS)
    trials = [oracle.create_trial("me"), oracle.create_trial("you")]
    assert oracle.create_trial("me") is trials[0]
    assert [trial.hyperparameters.values for trial in trials] == [{"x": 7}] * 2
    assert oracle.create_trial("third").status == TrialStatus.STOPPED
    for trial in trials:
        oracle.update_trial(trial.trial_id, {"loss": 0.5})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert oracle.scored == 2
    assert [plan.score for plan in study.plans()[:2]] == [0.5, 0.5]


def test_the_space_is_closed_where_one_says_so():
    hps = keras_tuner.HyperParameters()
    hps.Float("x", 0, 1)
    closed = ordinary(hyperparameters=hps, tune_new_entries=False)
    trial = closed.create_trial("me")
    trial.hyperparameters.Float("y", 0, 1)
    closed.update_trial(trial.trial_id, {"loss": 1.0})
    closed.end_trial(trial)
    assert [hp.name for hp in closed.get_space().space] == ["x"]
    with pytest.raises(ConfigError, match="hyperparameters"):
        ordinary(tune_new_entries=False)


class Square(keras_tuner.Tuner):
    """A tuner that trains nothing."""

    def run_trial(self, trial, **options):
        x = trial.hyperparameters.Float("x", -1, 1, default=0.5)
        return [x * x, x * x + 2]


def test_a_stock_tuner_searches_and_goes_on_with_what_it_found(opened, tmp_path):
    def tuner(trials, **options):
        study = opened(trials=trials, directions=("minimize",))
        return Square(StudyOracle(study, None), directory=tmp_path, project_name="p", **options)

    first = tuner(3)
    first.search(verbose=0)
    assert first.get_best_hyperparameters()[0].values
    scores = [trial.score for trial in first.oracle.trials.values()]
    assert scores[0] == pytest.approx(1.25)  # the mean of the two results
    again = tuner(6)
    assert again.remaining_trials == 3
    again.search(verbose=0)
    xs = [plan.outcome.params["x"] for plan in again.oracle.study.plans()]
    assert len(set(xs)) == 6
    assert again.get_best_hyperparameters()[0].values["x"] == min(xs, key=abs)
