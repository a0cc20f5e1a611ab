import math
import signal

import pytest
from keras_tuner.engine.trial import TrialStatus
from optuna.trial import TrialState
from searching import space

from fashion_zoo.callbacks import StopOnInterrupt
from fashion_zoo.errors import ConfigError
from fashion_zoo.tuning import Study, StudyOracle


@pytest.mark.parametrize(
    "sampler",
    ["tpe", *(pytest.param(n, marks=pytest.mark.slow) for n in ("random", "quasi_random"))],
)
def test_the_same_seed_gives_the_same_trials_and_another_gives_others(tmp_path, sampler):
    def params(name, seed, trials=14):
        study = Study(f"sqlite:///{tmp_path}/{name}.db", "s", fingerprint={}, trials=trials)
        oracle = StudyOracle(study, sampler=sampler, pruner="none", seed=seed)
        oracle.hyperparameters = space()
        found = []
        while (trial := oracle.create_trial("me")).status == TrialStatus.RUNNING:
            found.append(trial.hyperparameters.values)
            oracle.update_trial(trial.trial_id, {"val_accuracy": found[-1]["x"]})
            trial.status = TrialStatus.COMPLETED
            oracle.end_trial(trial)
        study.close()
        return found

    first = params("first", 0)
    assert params("second", 0) == first
    other = params("third", 1, trials=4)
    assert other[0] == first[0]
    assert all(a["x"] != b["x"] for a, b in zip(first[1:4], other[1:], strict=True))
    assert all(-2 <= values["x"] <= 2 for values in first)


@pytest.mark.slow
def test_quasi_random_points_spread_evenly(opened):
    study = opened(trials=9)
    oracle = StudyOracle(study, sampler="quasi_random")
    oracle.hyperparameters = space()
    xs = []
    for number in range(9):
        xs.append(oracle.create_trial(f"worker {number}").hyperparameters.values["x"])
    # Of eight Sobol points one lies in each eighth of the range.
    assert sorted(math.floor((x + 2) * 2) for x in xs[1:]) == list(range(8))


def test_a_trial_without_a_finite_score_is_finished_without_a_value(opened):
    study = opened(trials=2)
    oracle = StudyOracle(study)
    oracle.hyperparameters = space()
    for value in (0.7, math.nan):
        trial = oracle.create_trial("me")
        assert oracle.update_trial(trial.trial_id, {"val_accuracy": 0.7}).status == "RUNNING"
        known = oracle.update_trial(trial.trial_id, {"val_accuracy": value}, step=1)
        assert (known.status == TrialStatus.STOPPED) == math.isnan(value)
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    good, bad = (plan.outcome for plan in study.plans())
    assert (good.value, bad.value) == (0.7, None)
    assert bad.state == TrialState.FAIL
    assert bad.user_attrs["mark"] == "not finite"
    assert "mark" not in good.user_attrs
    assert oracle.create_trial("me").status == TrialStatus.STOPPED


@pytest.mark.parametrize("option", ["sampler", "pruner"])
def test_an_unknown_algorithm_is_answered(opened, option):
    with pytest.raises(ConfigError, match=f"Unknown {option} 'tpo'"):
        StudyOracle(opened(), **{option: "tpo"})


def test_nothing_is_pruned_after_its_last_epoch(opened):
    study = opened(trials=2)
    oracle = StudyOracle(study, epochs=1)
    oracle.hyperparameters = space()
    for value in (0.9, 0.5):
        trial = oracle.create_trial("me")
        known = oracle.update_trial(trial.trial_id, {"val_accuracy": value})
        assert known.status == TrialStatus.RUNNING
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert {plan.outcome.state for plan in study.plans()} == {TrialState.COMPLETE}


def test_asha_looks_first_after_a_ninth_of_the_epochs(opened):
    study = opened(trials=2)
    oracle = StudyOracle(study, epochs=20)
    oracle.hyperparameters = space()
    for value, stops_after in ((0.9, None), (0.5, 3)):
        trial = oracle.create_trial("me")
        stopped = [
            epoch + 1
            for epoch in range(4)
            if oracle.update_trial(trial.trial_id, {"val_accuracy": value}, step=epoch).status
            == TrialStatus.STOPPED
        ]
        assert (stopped[0] if stopped else None) == stops_after
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)


@pytest.mark.parametrize(
    "epochs",
    [
        5,
        *(pytest.param(other, marks=pytest.mark.slow) for other in (9, 17, 18, 19, 20, 26, 27, 40)),
    ],
)
def test_asha_looks_twice_and_not_shortly_before_the_end(opened, epochs):
    """A trial that keeps up with the first until a third of the epochs is trained to its end."""
    study = opened(trials=3)
    oracle = StudyOracle(study, epochs=epochs)
    oracle.hyperparameters = space()
    stops = []
    for change_at in (epochs, math.ceil(epochs / 3) + 2, 0):
        trial = oracle.create_trial("me")
        stops.append(None)
        for epoch in range(epochs):
            value = 0.9 if epoch < change_at else 0.5
            known = oracle.update_trial(trial.trial_id, {"val_accuracy": value}, step=epoch)
            if known.status == TrialStatus.STOPPED:
                stops[-1] = epoch + 1
                break
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert stops == [None, None, math.ceil(epochs / 9)]


def test_asha_stops_what_is_behind(opened):
    """Of three trials one continues past a rung."""
    study = opened(trials=3)
    oracle = StudyOracle(study)
    oracle.hyperparameters = space()
    stopped = []
    for value in (0.9, 0.5, 0.7):
        trial = oracle.create_trial("me")
        stopped.append(oracle.update_trial(trial.trial_id, {"val_accuracy": value}).status)
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert stopped == [TrialStatus.RUNNING, TrialStatus.STOPPED, TrialStatus.STOPPED]
    assert [plan.outcome.state for plan in study.plans()] == [
        TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED,
    ]  # fmt: skip


def test_what_died_is_hidden_from_the_pruner(opened):
    dead = opened(trials=2)
    oracle = StudyOracle(dead)
    oracle.hyperparameters = space()
    trial = oracle.create_trial("me")
    oracle.update_trial(trial.trial_id, {"val_accuracy": 0.99})
    dead.close()
    oracle = StudyOracle(opened(trials=2))
    oracle.hyperparameters = space()
    trial = oracle.create_trial("me")
    assert oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5}).status == TrialStatus.RUNNING


def test_a_worker_that_waits_for_others_can_be_stopped(opened):
    other, mine = opened(trials=1), StudyOracle(opened(trials=1))
    mine.hyperparameters = space()
    other.claim()
    assert mine.create_trial("me").status == TrialStatus.IDLE
    with StopOnInterrupt(say=lambda line: None) as stop:
        mine.idle = stop.check
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            mine.create_trial("me")
