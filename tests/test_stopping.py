import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from fitting import fit_recipe

import fashion_zoo
from fashion_zoo import TrainingError, experiments, list_recipes, open_run, recipe
from fashion_zoo.averaging import WORDS
from fashion_zoo.callbacks import AverageWeights, StopOnDivergence
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.evaluation import measure
from fashion_zoo.evaluation.predict import logits_of
from fashion_zoo.training import checkpoint as checkpoints, ending, session
from recipes import _spelling


@pytest.mark.slow
@pytest.mark.parametrize("monitor", ["accuracy", "loss"])
def test_early_stopping_waits_as_long_as_its_patience(small, monitor):
    still = {"learning_rate": 1e-30, "optimizer": "sgd", "epochs": 9}  # nothing ever improves
    stopping = {"early_stopping": {"monitor": monitor, "patience": 2}}
    config = override(recipe("baseline_mlp").config, {**small, "training": still | stopping})
    assert len(fit_recipe("baseline_mlp", config)[1]) == 3


def early_stopped(tmp_path, small, **callbacks):
    training = {
        "epochs": 6,
        "batch_size": 100,
        "learning_rate": 0.003,
        "schedules": {"learning_rate": "step(100, at=[0.5])"},  # so that it gets worse again
        "early_stopping": {"monitor": "accuracy", "patience": 6},
    }
    return fashion_zoo.train(
        "bn_mlp",
        run_dir=tmp_path / "r",
        evaluate=False,
        export=False,
        **{**small, "training": training},
    )


def test_early_stopping_brings_the_best_weights_back(tmp_path, small):
    trained = early_stopped(tmp_path, small)
    best = max(trained.run.history()["val_accuracy"])
    assert trained.training["validation_accuracy"] == pytest.approx(best, abs=1e-7)
    kept = trained.run.history()["val_accuracy"].index(best) + 1
    assert kept < 6, "else the last weights would be the best"
    assert trained.training["weights_of_epoch"] == kept


@pytest.mark.slow
def test_the_validation_loss_is_of_the_weights_that_were_kept_without_a_penalty(tmp_path, small):
    trained = early_stopped(tmp_path, {**small, "model": {**small["model"], "l2": 0.01}})
    data = load(trained.run.config.data)
    logits = logits_of(trained.run.load_model(), data.validation.images)
    expected = measure(logits, data.validation.labels, data.class_names)["nll"]
    assert experiments.validation_loss(trained.run) == pytest.approx(expected, rel=1e-5)
    assert trained.run.history()["val_loss"][-1] > 1.1 * expected


@pytest.mark.parametrize(
    "name",
    [
        "bn_mlp",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in list_recipes()
            if name[:3] != "bn_"
        ),
    ],
)
def test_a_training_whose_first_execution_has_diverged_is_no_success(name, tmp_path, small):
    """The whole epoch is one execution, so nothing came before it to compare with."""
    config = {**small, "training": {**small["training"], "learning_rate": 1e6}}
    with pytest.raises(TrainingError, match=r"more than 10 times the [2-9][.0-9]* of the untra"):
        fashion_zoo.train(name, run_dir=tmp_path / name, **config)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "dropout"),
    [
        pytest.param(0.9, {}, id="constant"),
        pytest.param(0.45, {"schedules": {"dropout": "linear(2, 1)"}}, id="scheduled"),
    ],
)
def test_heavy_dropout_is_no_divergence(tmp_path, small, rate, dropout):
    """The loss of a step is then far more than ten times that of the untrained model without it."""
    model = {"hidden_units": (64,) * 6, "dropout": rate}
    config = {**small, "training": {**small["training"], "epochs": 1, **dropout}, "model": model}
    only = {"evaluate": False, "export": False}
    done = fashion_zoo.train("baseline_mlp", run_dir=tmp_path / "r", **only, **config)
    assert done.history["loss"][0] > 100


def test_a_training_that_diverges_later_is_begun_again_from_what_is_kept(
    tmp_path, small, monkeypatch
):
    far = StopOnDivergence.on_train_batch_end

    def diverged(self, batch, logs=None):
        far(self, batch, {"loss": 1e9} if self.epoch == 1 else logs)

    monkeypatch.setattr(StopOnDivergence, "on_train_batch_end", diverged)
    with pytest.raises(TrainingError, match=r"rose to 1e\+09 by step 10 of epoch 2") as caught:
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", **small)
    (note,) = caught.value.__notes__  # to resume would end the same way
    call = f'fork="{tmp_path / "r"}", training={{"learning_rate": 0.0003}})'
    assert note.endswith(f'run from them with: fashion_zoo.train("bn_mlp", {call}')
    assert _spelling.message(note).endswith(
        f"recipes.train bn_mlp --fork {tmp_path / 'r'} --training.learning-rate 0.0003"
    )
    assert open_run(tmp_path / "r").has_checkpoint


@pytest.mark.slow
def test_early_stopping_brings_the_best_weights_back_after_ctrl_c(tmp_path, small, monkeypatch):
    class Press(session.StopOnInterrupt):
        """Ctrl-C in the fifth epoch."""

        def on_epoch_begin(self, epoch, logs=None):
            self.requested = epoch == 4

    monkeypatch.setattr(session, "StopOnInterrupt", Press)
    with pytest.raises(KeyboardInterrupt) as caught:
        early_stopped(tmp_path, small)
    trained = caught.value.trained
    best = trained.training["weights_of_epoch"]
    assert str(caught.value) == (
        f"Interrupted in epoch 5. The saved model has the weights of epoch {best}; training "
        "resumes after 4 whole epochs."
    )
    path = tmp_path / "r"
    call = f'fashion_zoo.train("bn_mlp", run_dir="{path}", resume=True)'
    assert caught.value.__notes__ == [f"{caught.value} Resume with: {call}"]
    accuracies = trained.run.history()["val_accuracy"]
    assert (trained.training["finished"], len(accuracies)) == (False, 4)
    best = accuracies.index(max(accuracies)) + 1
    assert trained.training["weights_of_epoch"] == best
    assert trained.training["stopped_early"] is None
    assert trained.training["validation_accuracy"] == pytest.approx(max(accuracies), abs=1e-7)


def first_kernel(run):
    """The first kernel of the newest checkpoint, and that of the saved model."""
    kernel = run.load_model().trainable_variables[0].numpy()
    arrays = checkpoints.parse(run.load_checkpoint()).variables
    return next(one for one in arrays if one.shape == kernel.shape), kernel


@pytest.mark.slow
def test_what_ctrl_c_says_of_the_saved_weights_is_true(tmp_path, small, monkeypatch):
    class Press(session.StopOnInterrupt):
        """Ctrl-C in the second epoch."""

        def on_epoch_begin(self, epoch, logs=None):
            self.requested = epoch == 1

    monkeypatch.setattr(session, "StopOnInterrupt", Press)
    with pytest.raises(KeyboardInterrupt) as caught:
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", **small)
    assert str(caught.value) == (
        "Interrupted in epoch 2. The saved model has the weights of the interruption, in epoch 2; "
        "training resumes after 1 whole epoch."
    )
    ended, saved = first_kernel(caught.value.trained.run)
    assert abs(saved - ended).max() > 1e-4
    training = {**small["training"], "early_stopping": {"monitor": "accuracy"}}
    with pytest.raises(KeyboardInterrupt) as caught:
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "s", **{**small, "training": training})
    assert "has the weights of epoch 1; training resumes after 1 whole" in str(caught.value)
    ended, saved = first_kernel(caught.value.trained.run)
    assert (saved == ended).all()


def test_ctrl_c_before_the_first_epoch_ends_begins_again(tmp_path, small, monkeypatch):
    class Press(session.StopOnInterrupt):
        def on_epoch_begin(self, epoch, logs=None):
            self.requested = True

    training = {**small["training"], "averaging": "ema(0.9)"}
    monkeypatch.setattr(session, "StopOnInterrupt", Press)
    with pytest.raises(KeyboardInterrupt) as caught:
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", **{**small, "training": training})
    assert str(caught.value) == (
        "Interrupted in epoch 1. The saved model has the weights of the interruption, in epoch 1; "
        "training resumes from its beginning."
    )


def test_an_average_of_every_step_is_of_no_epoch_after_ctrl_c():
    kept = AverageWeights(WORDS.parse("ema(0.9)"), lambda _: [], dict)
    kept.result = {"kept": "averaged", "epoch": 3}
    assert ending._kept_epoch([kept], True) == 3
    assert ending._kept_epoch([kept], False) is None
    kept.averaging = WORDS.parse("swa(0.5)")
    assert ending._kept_epoch([kept], False) == 3


def test_a_second_ctrl_c_leaves_at_once_and_nothing_behind(tmp_path, small, monkeypatch):
    class Press(session.StopOnInterrupt):
        def on_train_batch_end(self, batch, logs=None):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(session, "StopOnInterrupt", Press)
    with pytest.raises(KeyboardInterrupt):
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", **small)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_ctrl_c_with_the_last_epoch_saves_a_finished_run_and_evaluates_nothing(
    tmp_path, small, monkeypatch
):
    class Press(session.StopOnInterrupt):
        def on_train_end(self, logs=None):
            self.requested = True

    monkeypatch.setattr(session, "StopOnInterrupt", Press)
    with pytest.raises(KeyboardInterrupt) as caught:
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", **small)
    assert (
        f'Evaluate it with: fashion_zoo.evaluate("{tmp_path / "r"}")' in caught.value.__notes__[0]
    )
    assert open_run(tmp_path / "r").read_json("training.json")["finished"] is True
    assert not (tmp_path / "r" / "evaluation.json").exists()


@pytest.mark.slow
def test_an_export_that_fails_says_where_the_trained_model_is(tmp_path, small, monkeypatch):
    monkeypatch.setattr("fashion_zoo.exporting.export.TOLERANCE", -1.0)
    with pytest.raises(fashion_zoo.ExportError) as caught:
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", **small)
    assert f'fashion_zoo.evaluate("{tmp_path / "r"}")' in caught.value.__notes__[0]
    assert (tmp_path / "r" / "evaluation.json").exists()
    assert not (tmp_path / "r" / "saved_model").exists()


def test_nan_stops_with_the_epoch_and_what_to_try(tmp_path, small):
    config = {**small, "training": {**small["training"], "learning_rate": 1e30, "optimizer": "sgd"}}
    with pytest.raises(TrainingError) as caught:
        fashion_zoo.train("baseline_mlp", run_dir=tmp_path / "r", **config)
    assert 'of epoch 1. Try training={"learning_rate": 1e+29} (it was 1e+30), or' in str(
        caught.value
    )
    assert not list(tmp_path.iterdir())


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_forced_training_that_fails_leaves_the_older_run(trained, tmp_path, small):
    options = {"run_dir": tmp_path / "r", "evaluate": False, "export": False}
    shutil.copytree(trained.run.path, tmp_path / "r")
    before = contents(tmp_path / "r")
    config = {**small, "training": {**small["training"], "learning_rate": 1e30, "optimizer": "sgd"}}
    with pytest.raises(TrainingError):
        fashion_zoo.train("baseline_mlp", force=True, **options, **config)
    assert contents(tmp_path / "r") == before
    assert [folder.name for folder in tmp_path.iterdir()] == ["r"]


@pytest.mark.slow
def test_ctrl_c_saves_what_is_trained_so_far(tmp_path):
    command = [
        sys.executable, "-P", "-m", "recipes.train", "baseline_mlp",
        "--run-dir", str(tmp_path / "r"), "--training.epochs", "1000",
        "--data.limit", "2000", "--model.hidden-units", "16",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    for line in process.stderr:  # one line an epoch, as stderr is no terminal
        if line.startswith("epoch 2/"):
            process.send_signal(signal.SIGINT)
            break
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"Evaluate it with: python -m recipes.evaluate {tmp_path / 'r'}" in out
    stored = json.loads((tmp_path / "r" / "training.json").read_text())
    assert stored["finished"] is False
    assert 2 <= stored["epochs"] < 1000
    assert (
        f"Interrupted in epoch {stored['epochs'] + 1}. The saved model has the weights of the "
        f"interruption, in epoch {stored['epochs'] + 1}; training resumes after "
        f"{stored['epochs']} whole epochs.\n"
    ) in out
    assert len(open_run(tmp_path / "r").history()["loss"]) == stored["epochs"]
    assert fashion_zoo.evaluate(tmp_path / "r")["images"] == 10_000
