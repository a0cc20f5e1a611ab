"""What becomes of a trial and of the best ones, without a search."""

import json
import signal
from types import SimpleNamespace

import pytest
from keras_tuner.engine.trial import TrialStatus
from optuna.trial import TrialState
from searching import space

import fashion_zoo
from fashion_zoo import ConfigError, SearchConfig, TrainingError
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.show.trials import verdict
from fashion_zoo.tuning import StudyOracle, StudyTuner, candidates
from fashion_zoo.tuning.base_oracle import SearchError


@pytest.mark.parametrize(
    ("before", "error", "status", "message"),
    [
        ("RUNNING", None, "COMPLETED", None),
        ("STOPPED", None, "STOPPED", None),  # it was pruned
        ("RUNNING", TrainingError("The loss rose. Try another rate."), "INVALID", "The loss rose."),
        ("RUNNING", ConfigError("A batch of 1."), "INVALID", "A batch of 1."),
    ],
)
def test_a_trial_that_its_values_do_not_allow_is_one_without_a_score(
    before, error, status, message
):
    def run_trial(trial):
        if error:
            raise error

    trial = SimpleNamespace(status=getattr(TrialStatus, before), message=None)
    StudyTuner._try_run_and_update_trial(SimpleNamespace(run_trial=run_trial), trial)
    assert (trial.status, trial.message) == (status, message)


def test_arguments_of_search_that_are_wrong_end_it():
    def run_trial(trial):
        raise SearchError("search() takes epochs.")

    with pytest.raises(SearchError):
        StudyTuner._try_run_and_update_trial(
            SimpleNamespace(run_trial=run_trial), SimpleNamespace(status=TrialStatus.RUNNING)
        )


def test_a_trial_that_another_worker_took_over_at_its_start_is_dropped(opened, monkeypatch):
    study = opened(trials=1)
    oracle = StudyOracle(study)
    oracle.hyperparameters = space()
    claim = study.claim

    def lost():
        attempt = claim()
        study._finish(attempt.key, TrialState.FAIL)  # by a worker that took this one for dead
        return attempt

    with monkeypatch.context() as patch:
        patch.setattr(study, "claim", lost)
        assert oracle._next("me").status == TrialStatus.IDLE
    assert not oracle._ongoing
    assert oracle.create_trial("me").status == TrialStatus.RUNNING


def test_ctrl_c_in_the_last_step_of_a_search_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(
        StudyTuner, "search", lambda *_, **options: signal.raise_signal(signal.SIGINT)
    )
    with pytest.raises(KeyboardInterrupt):
        fashion_zoo.tune("bn_mlp", trials=1, study_dir=tmp_path / "s", data={"limit": 600})
    assert not (tmp_path / "s" / "report.html").exists()


def test_defaults_that_were_pruned_are_trained_again(tmp_path, monkeypatch):
    entry = fashion_zoo.recipe("bn_mlp")
    defaults = SimpleNamespace(params={}, values=[0.8])
    best = SimpleNamespace(params={"depth": 1}, values=[0.9])
    pruned = SimpleNamespace(score=0.8, completed=None, outcome=defaults)
    model = SimpleNamespace(
        parameters=entry.space.parameters(entry.config), space=entry.space, base=entry.config,
        entry=entry, dataset=None, fresh_seed=1,
    )  # fmt: skip
    trained = SimpleNamespace(read_json=lambda name: {"validation_accuracy": 0.85})
    monkeypatch.setattr(candidates, "ranked", lambda plans, study: [(3, best)])
    monkeypatch.setattr(candidates, "train_once", lambda *_: trained)
    study = SimpleNamespace(plans=lambda: [pruned])
    display = TrainingDisplay(enabled=False)
    found = candidates._train(model, study, SearchConfig(seeds=2), tmp_path, display)
    assert {one.index: one.again for one in found} == {0: [0.85, 0.85], 3: [0.85, 0.85]}
    pruned.score = None  # they diverged
    found = candidates._train(model, study, SearchConfig(seeds=2), tmp_path, display)
    assert [one.index for one in found] == [3]


def test_without_the_defaults_nothing_is_said_of_a_gain():
    row = {"trial": 5, "defaults": False, "gain": None, "gain_low": None}
    assert verdict([row]) == "Trial 5 is best; the defaults were not trained again beside it."


def test_a_call_that_trains_nothing_again_keeps_the_rows_of_the_one_before(tmp_path):
    assert candidates.stored_rows(tmp_path) == []
    (tmp_path / "report.json").write_text(json.dumps([{"trial": 1}]))
    assert candidates.stored_rows(tmp_path) == [{"trial": 1}]
    (tmp_path / "report.json").write_text("[")
    assert candidates.stored_rows(tmp_path) == []
