"""What a training is given and where it stands: callbacks, folders, names and surroundings."""

import io
import json
import os
import types

import keras
import numpy as np
import pytest
from resuming import OPTIONS, stopped, train

import fashion_zoo
from fashion_zoo import ConfigError, DataConfig, MLPConfig, Run, RunConfig, runs
from fashion_zoo.layers import as_array
from fashion_zoo.machine import environment
from fashion_zoo.storage.databases import study_place
from fashion_zoo.training import session
from fashion_zoo.training.checkpoint import (
    capture,
    parse,
    restore_callbacks,
    restore_variables,
)


class Count(keras.callbacks.Callback):
    """A callback of a user's, which moves to another folder on its way."""

    def __init__(self, name, folder="."):
        super().__init__()
        self.name, self.folder = name, folder
        self.seen, self.arrays = [], [np.zeros(2)]

    def state(self):
        return {"seen": self.seen, "a/b": self.arrays, "last": np.float32(len(self.seen))}

    def restore(self, state):
        self.seen, self.arrays = state["seen"], state["a/b"]
        assert state["last"] == len(self.seen)

    def on_epoch_end(self, epoch, logs=None):
        os.chdir(self.folder)
        assert {"loss", "val_loss", "learning_rate", "dropout_1_rate"} <= set(logs)
        self.seen.append(epoch)
        self.arrays = [array + 1 for array in self.arrays]
        logs[self.name] = sum(self.seen)


@pytest.mark.slow
def test_a_run_goes_on_with_callbacks_of_ones_own_and_says_that_it_does_so_elsewhere(
    tmp_path, monkeypatch, capsys
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    stopped("r", 1, monkeypatch, callbacks=[Count("one", elsewhere), Count("two")], **OPTIONS)
    assert not list(elsewhere.iterdir())  # all was written where the training began
    monkeypatch.chdir(tmp_path)
    here = environment.describe()
    moved = {**here, "versions": {**here["versions"], "keras": "9.0"}, "system": "another"}
    monkeypatch.setattr(session.environment, "describe", lambda: moved)
    one, two = Count("one"), Count("two")
    run = train("r", resume=True, callbacks=[one, two], **OPTIONS)
    assert one.seen == two.seen == [0, 1, 2]
    assert one.arrays[0].tolist() == two.arrays[0].tolist() == [3, 3]
    assert run.history()["one"] == run.history()["two"] == [0, 1, 3]
    was = here["versions"]["keras"]
    said = capsys.readouterr().err
    assert f"r is resumed in another environment: keras was {was}, now 9.0. The result may" in said
    stored = run.read_json("environment.json")
    assert stored["versions"] == here["versions"]
    (place,) = stored["resumed"]
    assert (place["after_epoch"], place["versions"]["keras"]) == (1, "9.0")
    assert set(place) == {*moved, "callbacks", "devices", "precision", "after_epoch"}
    assert runs.aside(run) == "was trained with callbacks of its own (Count)"


def test_an_older_environment_is_compared_by_what_it_tells(tmp_path):
    older = {"versions": {"keras": "3.15.1", "jax": "0.9"}, "device": "CPU", "commit": "a"}
    (tmp_path / "environment.json").write_text(json.dumps(older))
    run = Run(tmp_path, "bn_mlp", RunConfig(MLPConfig()))
    now = {
        "versions": {"keras": "3.15.1", "tensorflow": "2.21"},
        "device": "GPU", "commit": "a", "backend": "jax", "precision": {"policy": "float32"},
    }  # fmt: skip
    changed = [
        "tensorflow was None, now 2.21", "device was CPU, now GPU", "jax was 0.9, now None",
    ]  # fmt: skip
    assert runs.move(run, now, 3) == changed
    assert runs.move(run, now, 4) == []  # the same place again
    again = {**now, "precision": {"policy": "mixed_bfloat16", "reason": "another"}}
    assert runs.move(run, again, 5) == ["precision.policy was float32, now mixed_bfloat16"]
    stored = run.read_json("environment.json")
    assert [one["after_epoch"] for one in stored.pop("resumed")] == [3, 5]
    assert stored == older


def test_a_state_that_cannot_be_kept_is_named():
    callback = Count("one")
    model = types.SimpleNamespace(
        variables=[], optimizer=types.SimpleNamespace(variables=[]), stop_training=False
    )
    callback.seen = np.zeros(3)
    with pytest.raises(ConfigError, match="of Count cannot be stored: 'seen' must be JSON"):
        capture(model, [callback], 1)
    callback.seen = [1]
    kept = parse(capture(model, [callback, keras.callbacks.Callback()], 1)).callbacks
    assert restore_callbacks([], {**kept, "StopOnDivergence": {}}) == ["Count"]  # and no former one


def test_an_array_that_is_of_no_callback_is_damage():
    stream = io.BytesIO()
    about = {"format": 2, "epochs": 1, "stopped": False, "callbacks": {"A": {}}, "run": None}
    about = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    np.savez(stream, about=about, callback=np.zeros(1))
    with pytest.raises(ValueError, match="it is not a checkpoint"):
        parse(stream.getvalue())


def test_a_variable_of_bfloat16_is_restored():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype="bfloat16")])
    model.compile("sgd", "mse")
    kept = parse(capture(model, [], 1))
    before = [as_array(weight) for weight in model.weights]
    model.set_weights([weight + 1 for weight in before])
    restore_variables(model, kept)
    assert [*map(str, map(as_array, model.weights))] == [*map(str, before)]


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([print], "callbacks must hold Keras callbacks, received <built-in function print>"),
        (
            [keras.callbacks.LearningRateScheduler(len)],
            "LearningRateScheduler cannot set the",
        ),
    ],
)
def test_a_callback_that_cannot_be_one_is_refused_before_anything_is_trained(
    callbacks, message, tmp_path
):
    with pytest.raises(ConfigError, match=message):
        train(tmp_path / "r", callbacks=callbacks, **OPTIONS)
    assert not list(tmp_path.iterdir())


def test_trainings_that_begin_in_the_same_second_take_the_next_free_name(tmp_path, monkeypatch):
    named = tmp_path / "bn_mlp-20260101-000000"
    begin = (named, "bn_mlp", RunConfig(MLPConfig()), {})
    with (
        runs.create_next(*begin) as one,
        runs.create_next(*begin) as two,
        runs.create_next(*begin) as three,
    ):
        places = [run.path.name for run in (one, two, three)]
    assert places == [named.name, f"{named.name}-2", f"{named.name}-3"]
    monkeypatch.setattr(runs, "default_run_dir", lambda name: named)
    monkeypatch.setattr("fashion_zoo.training.session.train_run", Asked.ask)
    for run_dir, path, next_free in ((None, named, True), (tmp_path / "r", tmp_path / "r", False)):
        with pytest.raises(Asked) as caught:
            fashion_zoo.train("bn_mlp", run_dir=run_dir)
        assert caught.value.args == (path, next_free)


class Asked(Exception):
    """Carries what a training was asked for."""

    @staticmethod
    def ask(entry, config, path, **options):
        raise Asked(path, options["next_free"])


def test_folders_are_made_absolute_where_they_enter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, run = DataConfig(folder="images"), Run("r", "bn_mlp", RunConfig(MLPConfig()))
    studies = [study_place("bn_mlp", place, None)[0] for place in ("s", None)]
    monkeypatch.chdir("/")
    assert config.folder == str(tmp_path / "images")
    assert run.path == tmp_path / "r"
    assert studies == [tmp_path / "s", tmp_path / "studies" / "bn_mlp"]
