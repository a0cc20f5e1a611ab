"""Averages of weights in whole runs: what is stored, killed, resumed, forked and searched."""

import contextlib
import random
import signal
import subprocess
import sys
from pathlib import Path

import keras
import optuna
import pytest
from resuming import OPTIONS as EVERYTHING, assert_same, stopped, train

import fashion_zoo
from fashion_zoo import TrainingInterrupted, open_run
from fashion_zoo.callbacks.averaging import kept
from fashion_zoo.data import load
from fashion_zoo.training import fit as fits, session
from fashion_zoo.tuning import tuner

OPTIONS = {
    "model": {"hidden_units": (16, 8), "dropout": (0.2, 0.1)},
    "data": {"limit": 600},
    "training": {
        "epochs": 4,
        "batch_size": 100,
        "learning_rate": 0.01,
        "schedules": {"learning_rate": "constant"},
        "plateau": {"monitor": "accuracy", "patience": 1, "min_delta": 1.0, "factor": 0.5},
    },
}
STOPPING = {"early_stopping": {"monitor": "accuracy", "patience": 3}}
SLOW = pytest.mark.slow


def options(word, precision="float32", **training):
    settings = {**OPTIONS["training"], "averaging": word, **training}
    return {**OPTIONS, "training": settings, "precision": precision}


@pytest.mark.parametrize(
    ("steps", "settings"),
    [
        pytest.param(8, options("ema(0.8)"), marks=SLOW),
        pytest.param(1, options("ema(0.8)"), marks=SLOW),
        pytest.param(8, options("ema(0.8)", **STOPPING), marks=SLOW),
        pytest.param(1, options("swa(0.25)"), marks=SLOW),
        pytest.param(8, options("best(2)", **STOPPING), marks=SLOW),
        pytest.param(8, options("ema(0.8)", "mixed_float16"), marks=SLOW),
        pytest.param(4, options("ema(0.8)", accumulation=2), marks=SLOW),
        pytest.param(8, options("swa(0.25)", accumulation=3), marks=SLOW),
        pytest.param(
            8, options("ema(0.8)", optimizer="sgd", clipping="global_norm(1)"), marks=SLOW
        ),
    ],
    ids=str,
)
def test_an_average_and_a_plateau_go_on_after_a_kill(tmp_path, monkeypatch, steps, settings):
    """Two epochs and two more are four, to the last bit, however many steps an execution has."""
    monkeypatch.setattr(fits, "steps_of_about_a_second", lambda *_: steps)
    monkeypatch.setattr(session, "_draw_curves", lambda run: None)  # it takes a second
    whole = train(tmp_path / "whole", **settings)
    stopped(tmp_path / "r", 2, monkeypatch, **settings)
    assert_same(train(tmp_path / "r", resume=True), whole)
    rows = whole.history()
    base = settings["training"]["learning_rate"]
    assert rows["learning_rate"] == pytest.approx([base, base, base / 2, base / 4])
    _check_kept(whole)


def _check_kept(run):
    """The stored model has the weights that were kept, and its file says so."""
    training, validation = run.read_json("training.json"), load(run.config.data).validation
    found, model = training["averaging"], run.load_model()
    logits = model.predict(validation.images, verbose=0)
    reached = (logits.argmax(axis=-1) == validation.labels).mean()
    assert reached == pytest.approx(training["validation_accuracy"], abs=1e-3)
    assert found[found["kept"]] == pytest.approx(training["validation_accuracy"], abs=1e-5)
    assert found["kept"] == ("averaged" if found["averaged"] > found["raw"] else "raw")
    optimizer = model.optimizer
    assert not getattr(optimizer, "inner_optimizer", optimizer).use_ema


@SLOW
def test_steps_per_execution_change_nothing(tmp_path, monkeypatch):
    rows = []
    for steps in (1, 8):
        monkeypatch.setattr(fits, "steps_of_about_a_second", lambda *_, steps=steps: steps)
        rows.append(train(tmp_path / str(steps), **options("ema(0.8)")).history())
    assert rows[0] == rows[1]


@SLOW
def test_ctrl_c_chooses_among_what_there_is_and_resumes(tmp_path):
    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole = train(tmp_path / "whole", **options("best(2)"))
    with pytest.raises(TrainingInterrupted) as caught:
        train(tmp_path / "r", callbacks=[Break()], **options("best(2)"))
    assert caught.value.trained.training["averaging"]["epoch"] == 2
    _check_kept(open_run(tmp_path / "r"))
    assert_same(train(tmp_path / "r", resume=True), whole)


@SLOW
def test_a_fork_begins_a_new_average(tmp_path):
    train(tmp_path / "origin", **options("none"))
    settings = options("swa(0)", epochs=6)
    run = train(tmp_path / "fork", fork=tmp_path / "origin", **settings)
    assert run.read_json("training.json")["averaging"]["epoch"] == 6
    assert [*run.history()][-2:] == ["averaged_val_accuracy", "averaged_val_loss"]


@SLOW
def test_a_trial_reports_the_weights_that_it_would_keep(tmp_path, monkeypatch):
    epochs = []

    def watching(logs, monitor):
        epochs.append(max(logs["val_accuracy"], logs["averaged_val_accuracy"]))
        return kept(logs, monitor)

    monkeypatch.setattr(tuner, "kept", watching)
    space = {"depth": "1", "units": "16", "augmentation": "'none'", "mixing": "'none'"}
    fashion_zoo.tune(
        "bn_mlp", space=space, trials=1, pruner="none", candidates=0, study_dir=tmp_path,
        data={"limit": 600}, training={"epochs": 3, "averaging": "ema(0.9)"},
    )  # fmt: skip
    stored = optuna.load_study(study_name="bn_mlp", storage=f"sqlite:///{tmp_path}/study.db")
    assert [*stored.trials[0].intermediate_values.values()] == epochs
    assert len(epochs) == 3


class Counting(keras.callbacks.Callback):
    """A callback of a user with a state."""

    def __init__(self):
        super().__init__()
        self.seen = 0.0

    def state(self):
        return {"seen": self.seen}

    def restore(self, state):
        self.seen = state["seen"]

    def on_epoch_end(self, epoch, logs=None):
        self.seen = 0.5 * self.seen + logs["val_accuracy"]
        logs["seen"] = self.seen

    def on_epoch_begin(self, epoch, logs=None):
        print("epoch", epoch, flush=True)


EVERY, FEW = "ema, everything that moves", 20  # epochs, of which a kill takes at most three
KILLED = {
    "ema": options("ema(0.9)", epochs=FEW),
    "swa": options("swa(0.25)", epochs=FEW),
    "best": options("best(3)", epochs=FEW, early_stopping={"monitor": "accuracy", "patience": FEW}),
    "ema, float16": options("ema(0.9)", "mixed_float16", epochs=FEW),
    "ema, accumulation": options("ema(0.9)", epochs=FEW, accumulation=3),
    EVERY: {
        **EVERYTHING,
        "training": {
            **EVERYTHING["training"], "epochs": 80, "averaging": "ema(0.9)", "early_stopping": {},
        },
    },
}  # fmt: skip


def going_on(path, name):
    return train(path, resume=True, callbacks=[Counting()], progress=False, **KILLED[name])


@SLOW
@pytest.mark.parametrize("name", KILLED)
def test_kills_at_random_moments_change_nothing(tmp_path, name):
    """With a plateau, and with a callback of a user."""
    kills = 20 if name == EVERY else 5
    chance, folder = random.Random(name), str(tmp_path / "r")
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        f"from test_averaging_runs import going_on; going_on({folder!r}, {name!r})"
    )
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", program],
            cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        for _ in range(chance.randint(1, 3)):  # the first one compiles for seconds
            assert process.stdout.readline().startswith("epoch")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.1))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "too few epochs for the kills"
    print(f"{kills} kills in the first {len(open_run(folder).history()['loss'])} epochs")
    assert_same(going_on(folder, name), going_on(tmp_path / "whole", name))
