import shutil
import signal

import keras
import numpy as np
import pytest
from resuming import OPTIONS, Killed, assert_same, files, stopped, train

import fashion_zoo
from fashion_zoo import (
    ConfigError,
    RunError,
    StorageError,
    TrainingInterrupted,
    open_run,
)
from fashion_zoo.training import checkpoint as checkpoints, session
from recipes import train as commands


@pytest.mark.parametrize("epoch", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_training_that_was_stopped_goes_on_to_the_same_run(
    whole, broken_off, tmp_path, epoch, monkeypatch
):
    if epoch == 2:
        shutil.copytree(broken_off, tmp_path / "r")
    else:
        stopped(tmp_path / "r", epoch, monkeypatch, **OPTIONS)
    assert not (tmp_path / "r" / "model.keras").exists()
    run = train(tmp_path / "r", resume=True)  # with the stored config
    assert_same(run, whole)
    assert files(run)[-3:] == ["state/epoch-000003", "timing.csv", "training.json"]


OTHERS = {
    "adaptive": {
        "training": {
            **OPTIONS["training"],
            "schedules": {},
            "adaptive_dropout": {"enabled": True, "target": -0.5},
        }
    },
    "loss scaling": {"precision": "mixed_float16"},
    "bfloat16": {"precision": "mixed_bfloat16"},
    "checkpointing": {
        "model": {"hidden_units": (8,) * 6, "normalization": "none", "dropout": 0.0},
        "training": {**OPTIONS["training"], "schedules": {}, "checkpointing": True},
    },
    "spectral normalization": {
        "model": {**OPTIONS["model"], "spectral_normalization": True},
        "precision": "mixed_float16",
    },
    "a dropout rate an epoch": {
        "training": {**OPTIONS["training"], "schedules": {"dropout": "linear"}}
    },
    "augmentation": {
        "training": {
            **OPTIONS["training"],
            "augmentation": "flip | translate(1) | noise | either(mixup, cutmix)",
            "schedules": {"augmentation": "linear(0, 1)", "mixing": "step(0, at=[0.8])"},
        }
    },
    "a bootstrap sample": {"training": {**OPTIONS["training"], "sampling": "bootstrap"}},
    "early stopping": {
        "training": {
            **OPTIONS["training"],
            "epochs": 6,
            "learning_rate": 1e-30,  # nothing improves
            "early_stopping": {"monitor": "accuracy", "patience": 2, "significant": True},
        }
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_everything_that_moves_goes_on(tmp_path, name, monkeypatch):
    options = {**OPTIONS, **OTHERS[name]}
    whole = train(tmp_path / "whole", **options)
    stopped(tmp_path / "r", 1, monkeypatch, **options)
    assert_same(train(tmp_path / "r", resume=True), whole)


@pytest.mark.slow
def test_a_kill_between_stopping_early_and_the_end_does_not_train_on(tmp_path, monkeypatch):
    options = {**OPTIONS, **OTHERS["early stopping"]}
    whole = train(tmp_path / "whole", **options)
    assert whole.read_json("training.json")["epochs"] == 3
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(session, "_finish", lambda *_: raising(Killed))
        train(tmp_path / "r", **options)
    assert not (tmp_path / "r" / "model.keras").exists()
    assert_same(train(tmp_path / "r", resume=True), whole)


@pytest.mark.parametrize("moment", ["half", pytest.param("after", marks=pytest.mark.slow)])
def test_a_kill_while_the_state_is_written(recorded, whole, tmp_path, moment):
    """The slow tests do this for every file."""
    steps, moments = recorded
    (place,) = (
        number
        for number, step in enumerate(steps)
        if step.kind == "rename" and step.path.name == "epoch-000002"
    )
    sync = place - 1
    names = {"half": f"{sync:03}-half", "after": f"{place + 1:03}-before"}
    shutil.copytree(moments[names[moment]], tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "r"
    assert (folder / "state" / "epoch-000002").exists() is (moment == "after")
    assert_same(train(folder, resume=True), whole)


@pytest.fixture(scope="session")
def broken_off(shared):
    """The folder of a training that was stopped after two of its three epochs. Copy it."""

    def make(folder):
        with pytest.MonkeyPatch.context() as patch:
            stopped(folder / "r", 2, patch, **OPTIONS)

    return shared("broken", make)[1] / "r"


@pytest.fixture
def damaged(broken_off, tmp_path):
    """A copy of it whose last state has another bit in the middle."""
    shutil.copytree(broken_off, tmp_path / "r")
    file = tmp_path / "r" / "state" / "epoch-000002"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    return tmp_path / "r"


def test_a_damaged_state_gives_way_to_the_one_before(damaged):
    assert checkpoints.parse(open_run(damaged).load_checkpoint()).epochs == 1


@pytest.mark.slow
def test_a_training_goes_on_from_the_state_before_a_damaged_one(damaged, whole):
    assert_same(train(damaged, resume=True), whole)


def test_without_a_whole_state_the_run_says_what_to_do(broken_off, tmp_path):
    shutil.copytree(broken_off, tmp_path / "r")
    before = files(open_run(tmp_path / "r"))
    for file in (tmp_path / "r" / "state").iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(RunError) as caught:
        train(tmp_path / "r", resume=True)
    assert "its checkpoints are damaged (epoch-000002, epoch-000001)" in str(caught.value)
    assert "Train it again with force=True" in str(caught.value)
    assert files(open_run(tmp_path / "r")) == before


def test_two_generations_are_kept(whole):
    assert [file for file in files(whole) if file.startswith("state/")] == [
        "state/epoch-000002", "state/epoch-000003",
    ]  # fmt: skip


def test_a_finished_run_is_left_as_it_is(whole, capsys):
    before = {name: (whole.path / name).stat().st_mtime_ns for name in files(whole)}
    again = train(whole.path, resume=True, progress=True)
    assert {name: (again.path / name).stat().st_mtime_ns for name in files(again)} == before
    assert f"{whole.path} is finished: nothing is left to train." in capsys.readouterr().err


@pytest.mark.slow
def test_resume_begins_where_there_is_no_run(whole, tmp_path):
    (tmp_path / "empty").mkdir()
    assert_same(train(tmp_path / "empty", resume=True, **OPTIONS), whole)


def test_another_config_is_refused_with_the_differences(whole):
    with pytest.raises(RunError) as caught:
        train(whole.path, resume=True, seed=1, training={"epochs": 9})
    assert str(caught.value) == (
        f"{whole.path} cannot be resumed with another config. training.epochs: 3, now 9; "
        "seed: 0, now 1. Leave these out, or begin a new run from its checkpoint with "
        f'fork="{whole.path}".'
    )
    with pytest.raises(RunError, match=r"is a run of bn_mlp, not of l2_mlp"):
        fashion_zoo.train("l2_mlp", run_dir=whole.path, resume=True)


def test_resume_without_a_folder_or_with_force_is_refused(tmp_path, capsys):
    for options in ({"run_dir": None}, {"run_dir": tmp_path, "force": True}):
        with pytest.raises(ConfigError, match="resume needs the folder of a run"):
            fashion_zoo.train("bn_mlp", resume=True, **options)
    assert commands.main(["bn_mlp", "--resume"]) == 3
    assert "--resume needs --run-dir" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_stops_a_training_says_how_to_go_on(broken_off, tmp_path, monkeypatch):
    for error in (StorageError("full"), KeyboardInterrupt()):
        folder = tmp_path / type(error).__name__
        shutil.copytree(broken_off, folder)
        with monkeypatch.context() as patch, pytest.raises(type(error)) as caught:
            patch.setattr(session, "fit", lambda *_, **__: None)
            patch.setattr(session, "_finish", lambda *_, error=error: raising(error))
            train(folder, resume=True)
        assert caught.value.__notes__ == [
            'The epochs that are done are kept. Resume with: fashion_zoo.train("bn_mlp", '
            f'run_dir="{folder}", resume=True)'
        ]


def raising(error):
    raise error


def test_a_checkpoint_that_a_kill_left_behind_is_removed(whole, tmp_path):
    shutil.copytree(whole.path, tmp_path / "r")
    for name in ("model.keras", "training.json", "curves.png"):
        (tmp_path / "r" / name).unlink()
    state = tmp_path / "r" / "state"
    shutil.copy(state / "epoch-000002", state / "epoch-000001")
    assert_same(train(tmp_path / "r", resume=True), whole)


@pytest.mark.slow
def test_results_of_an_earlier_model_go_when_training_goes_on(tmp_path, monkeypatch):
    class Press(session.StopOnInterrupt):
        def on_epoch_begin(self, epoch, logs=None):
            self.requested = epoch == 1

    with monkeypatch.context() as patch:
        patch.setattr(session, "StopOnInterrupt", Press)
        with pytest.raises(TrainingInterrupted) as interrupted:
            train(tmp_path / "r", **OPTIONS)
    run = interrupted.value.trained.run
    assert not run.finished
    early = fashion_zoo.evaluate(run.path)
    fashion_zoo.export(run.path, run.path / "saved_model")
    trained = fashion_zoo.train("bn_mlp", run_dir=run.path, resume=True)
    assert trained.run.finished
    assert trained.evaluation["accuracy"] != early["accuracy"]
    assert trained.evaluation == trained.run.result("evaluation")
    assert trained.parity["same_class"] == 1


def test_sigterm_stops_as_ctrl_c_does(tmp_path, monkeypatch):
    class Press(session.StopOnInterrupt):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(session, "StopOnInterrupt", Press)
        with pytest.raises(TrainingInterrupted) as interrupted:
            train(tmp_path / "r", **OPTIONS)
    run = interrupted.value.trained.run
    assert run.read_json("training.json")["finished"] is False
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.slow
def test_a_forced_run_that_is_killed_can_go_on_or_be_forced_again(whole, tmp_path, monkeypatch):
    old = train(tmp_path / "r", **{**OPTIONS, "seed": 7})
    weights = old.load_model().get_weights()
    with monkeypatch.context() as patch:  # a kill leaves no time for tidying up
        patch.setattr("fashion_zoo.runs.places.shutil.rmtree", lambda *_, **__: None)
        patch.setattr("pathlib.Path.rename", _renames_once(patch))
        stopped(tmp_path / "r", 1, monkeypatch, force=True, **OPTIONS)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".r.replaced", "r"]
    kept = keras.saving.load_model(tmp_path / ".r.replaced" / "model.keras", compile=False)
    assert all(np.array_equal(a, b) for a, b in zip(kept.get_weights(), weights, strict=True))
    assert_same(train(tmp_path / "r", resume=True), whole)
    assert [file.name for file in tmp_path.iterdir()] == ["r"]


def _renames_once(patch):
    from pathlib import Path

    rename, done = Path.rename, []

    def once(self, target):
        if not done:
            done.append(target)
            rename(self, target)
        return Path(target)

    return once
