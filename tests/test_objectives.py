"""Several objectives: what is stored, which trials are best, what is shown and trained again."""

import json
import math
import re

import keras
import keras_tuner
import numpy as np
import optuna
import pytest
from keras_tuner.engine.trial import TrialStatus
from searching import space

import fashion_zoo
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.wording import cost
from fashion_zoo.tuning import StudyOracle, report_page
from fashion_zoo.tuning.sampling import ranked
from fashion_zoo.tuning.tuner import cost_of
from recipes import tune

BOTH = ("maximize", "minimize")


def run(study, scored):
    """Finish a trial for each (accuracy, cost)."""
    objective = ["val_accuracy", keras_tuner.Objective("parameters", "min")]
    oracle = StudyOracle(study, objective, pruner="none")
    oracle.hyperparameters = space()
    for accuracy, price in scored:
        trial = oracle.create_trial("me")
        known = oracle.update_trial(trial.trial_id, {"val_accuracy": accuracy})
        if known.status != TrialStatus.STOPPED:
            oracle.update_trial(trial.trial_id, {"parameters": price})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    return study.plans()


def test_a_trial_has_a_value_for_each_objective_and_a_broken_one_has_none(opened):
    study = opened(trials=3, directions=BOTH)
    plans = run(study, [(0.7, 50.0), (0.8, 90.0), (math.nan, 10.0)])
    assert [plan.outcome.values for plan in plans] == [[0.7, 50.0], [0.8, 90.0], None]
    assert plans[2].outcome.user_attrs["mark"] == "not finite"


def test_the_best_are_those_of_the_front_the_most_accurate_first(opened):
    study = opened(trials=5, directions=BOTH)
    scored = [(0.7, 50.0), (0.8, 90.0), (0.75, 95.0), (0.6, 40.0), (0.6, 60.0)]
    plans = run(study, scored)
    assert [index for index, _ in ranked(plans, study)] == [1, 0, 3]


def test_of_one_objective_every_whole_trial_is_ranked(opened):
    study = opened(trials=3)
    oracle = StudyOracle(study, pruner="none")
    oracle.hyperparameters = space()
    for value in (0.5, math.nan, 0.7):
        trial = oracle.create_trial("me")
        oracle.update_trial(trial.trial_id, {"val_accuracy": value})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert [index for index, _ in ranked(study.plans(), study)] == [2, 0]


def test_several_objectives_are_not_pruned(opened):
    objective = ["val_accuracy", keras_tuner.Objective("parameters", "min")]
    with pytest.raises(ConfigError, match=r"cannot be pruned, received pruner 'asha'. Use 'none'"):
        StudyOracle(opened(directions=BOTH), objective)


@pytest.mark.slow
def test_the_page_draws_the_front_and_has_the_costs(opened):
    study = opened(trials=5, directions=BOTH)
    plans = run(study, [(0.7, 50.0), (0.8, 90.0), (0.75, 95.0), (0.6, 40.0), (0.65, 60.0)])
    page = report_page(study, plans, [], ["parameters"])
    for heading in ("Pareto front", "Optimization history", "Hyperparameter importance"):
        assert re.search(f"<h2>{heading}</h2>(<p[^>]*>[^<]*</p>)+<div class=.wide.><img", page)
    assert "<th>score</th><th>parameters</th>" in page
    assert "<td>80.00 %</td><td>90 parameters</td>" in page
    assert cost("latency", 4.548) == "4.5 ms"


def test_what_a_model_costs():
    net = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
            keras.layers.BatchNormalization(),
        ]
    )
    assert cost_of("parameters", net) == 784 * 3 + 3 + 6  # not the moving statistics
    assert cost_of("latency", net) > 0
    assert np.isfinite(cost_of("latency", net))


@pytest.mark.slow
def test_a_search_for_small_and_accurate_models(tmp_path, capsys):
    folder = tmp_path / "s"
    words = [
        "bn_mlp", "--data.limit", "200", "--epochs", "1", "--fix", "batch-size=100",
        "augmentation=none", "mixing=none", "--space.depth", "1", "--space.units",
        "choice(8, 16)", "--minimize", "parameters", "--trials", "3", "--candidates", "3",
        "--seeds", "1", "--study-dir", str(folder),
    ]  # fmt: skip
    assert tune.main(words) == 0
    said = capsys.readouterr().out
    rows = json.loads((folder / "report.json").read_text())
    for row in rows:
        run = fashion_zoo.open_run(folder / "again" / f"trial-{row['trial']}-1")
        assert row["parameters"] == cost_of("parameters", run.load_model())
        percent = f"{100 * row['score']:.2f} %"
        assert f"score {percent}, {row['parameters']:,.0f} parameters, trained again" in said
    assert re.search(r"^trials +3 done, 0 pruned", said, re.M)
    assert "<h2>Pareto front</h2>" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_trial_that_diverges_has_no_value(tmp_path):
    space = {
        "depth": "1", "units": "8", "augmentation": "'none'", "mixing": "'none'",
        "optimizer": "'sgd'", "learning_rate": "1e30", "batch_size": "100",
    }  # fmt: skip
    found = fashion_zoo.tune(
        "bn_mlp", trials=1, study_dir=tmp_path, space=space, minimize=["parameters"], candidates=0,
        data={"limit": 200}, training={"epochs": 2, "batch_size": 100},
    )  # fmt: skip
    assert found.counts.failed == 1
    stored = optuna.load_study(study_name="bn_mlp", storage=f"sqlite:///{tmp_path}/study.db")
    assert (stored.trials[0].state.name, stored.trials[0].values) == ("FAIL", None)


def test_a_refused_pruner_leaves_no_study(tmp_path):
    with pytest.raises(ConfigError, match="cannot be pruned"):
        fashion_zoo.tune("bn_mlp", study_dir=tmp_path, minimize=["latency"], pruner="median")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minimize": ["params"]}, "Unknown minimize 'params'. Did you mean 'parameters'?"),
        ({"minimize": ["latency", "latency"]}, "Each cost is minimized once, received latency, la"),
        ({"minimize": ["latency"], "pruner": "asha"}, "Several objectives cannot be pruned"),
        ({"executions": 0}, "executions must be a whole number of at least 1"),
        ({"folds": 1}, "folds must be at least 2, or 0 for none; received 1."),
        (
            {"folds": 31, "data": {"limit": 300}, "space": {"batch_size": "64"}},
            "class has 30 training images, received 31 f",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(options, message, tmp_path):
    with pytest.raises(ConfigError, match=re.escape(message)):
        fashion_zoo.tune("bn_mlp", study_dir=tmp_path, **options)
