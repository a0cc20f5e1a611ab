"""Training on several devices: the same numbers as on one, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from dividing import CASES

import fashion_zoo
from fashion_zoo import ConfigError
from fashion_zoo.optimizers import WORDS, build_optimizer
from fashion_zoo.training import parallel

HERE = Path(__file__).parent


def process(backend, *arguments, code=None):
    """Run ``dividing.py``, or code that imports it, in a process with another number of devices."""
    if backend == "jax":
        pytest.importorskip("jax")
    command = ["-c", code] if code else [str(HERE / "dividing.py")]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, *command, *map(str, arguments)],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip


def test_all_devices_are_one_where_there_is_one_and_the_training_says_so(tmp_path, capsys):
    assert parallel.find("all", 256) is parallel.find("one", 256) is parallel.ONE
    run = fashion_zoo.train(
        "baseline_mlp", run_dir=tmp_path / "r", evaluate=False, export=False, progress=True,
        devices="all", model={"hidden_units": (8,)}, data={"limit": 100},
        training={"epochs": 1, "batch_size": 50},
    ).run  # fmt: skip
    assert "Training on 1 device of this machine." in capsys.readouterr().err
    assert run.read_json("environment.json")["devices"] == run.devices == 1


@pytest.fixture
def three(monkeypatch):
    """Three GPUs that TensorFlow is said to see."""
    names = [tf.config.LogicalDevice(f"/device:GPU:{number}", "GPU") for number in range(3)]
    monkeypatch.setattr(tf.config, "list_logical_devices", {"GPU": names, "CPU": []}.get)


def test_a_batch_that_cannot_be_divided_is_refused_with_the_nearest_that_can(three, tmp_path):
    with pytest.raises(
        ConfigError,
        match=r"batch_size must be divisible by the 3 devices, received 256. "
        r'Set training=\{"batch_size": 255\}',
    ):
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", devices="all")
    assert not (tmp_path / "r").exists()


def test_accumulated_gradients_are_refused_with_tensorflow(three):
    with pytest.raises(ConfigError) as found:
        parallel.find("all", 255, accumulation=2)
    assert "training.accumulation needs one device with TensorFlow" in str(found.value)
    assert 'received 2. Set devices="one" or training={"accumulation": 1}.' in str(found.value)


def test_several_machines_are_refused(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    with pytest.raises(ConfigError, match="those of one machine, and TF_CONFIG is set"):
        parallel.find("all", 256)


def test_after_a_training_on_several_devices_the_momentum_still_moves():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    table = np.array([0.9, 0.5], "float32")
    for momentum in (0.0, table):
        optimizer = build_optimizer(WORDS.parse("sgd"), learning_rate=0.1, momentum=momentum)
        model.compile(optimizer=optimizer)
        before = optimizer.apply
        with parallel._Mirrored(["/cpu:0"]).fitting(model):
            assert optimizer.apply != before
        assert optimizer.apply == before


def test_torch_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ConfigError, match=r"'all' needs the tensorflow or the jax backend"):
        parallel.find("all", 256)


def test_an_unknown_word_is_answered():
    with pytest.raises(ConfigError, match="devices"):
        parallel.find("both", 256)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_several_devices_train_as_one(backend, count, case):
    """The 43 validation images are not divisible, dropout masks and batches are those of one."""
    if backend == "jax" and "augmentation" in case:
        pytest.skip("augmentation needs TensorFlow")
    if (backend, case) == ("tensorflow", "accumulation"):
        pytest.skip("it is refused")
    done = process(backend, count, case)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    one, several = found["one"], found["all"]
    assert (one["devices"], several["devices"]) == (1, count)
    assert several["layers"] == one["layers"]
    half = case == "float16"
    tolerance = 5e-2 if half else 1e-4  # the largest gradient norm is that of one step
    for name, values in one["history"].items():
        # One of 43 validation images, or as large a part of those of training.
        near = 1.01 / 43 if half and name.endswith("accuracy") else 1e-7
        assert several["history"][name] == pytest.approx(values, rel=tolerance, abs=near), name


KILL = """
import os, signal, sys, pathlib, keras, dividing
folder, kill = pathlib.Path(sys.argv[1]), sys.argv[2]
dividing.start(2)
class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1 and kill != "no":
            os.kill(os.getpid(), signal.SIGKILL)
devices = {"devices": sys.argv[3]} if sys.argv[3:] else {}
resume = {"resume": True} if (folder / "config.json").exists() else {}
dividing.train(folder, "everything that moves", callbacks=[Kill()], **devices, **resume)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_killed_training_resumes_on_its_devices_bit_for_bit_and_on_one_nearly(backend, tmp_path):
    def run(name, *arguments):
        done = process(backend, tmp_path / name, *arguments, code=KILL)
        assert done.returncode == (-9 if arguments[0] == "yes" else 0), done.stderr[-3000:]
        return done.stderr

    run("whole", "no", "all")
    whole = fashion_zoo.open_run(tmp_path / "whole")
    for name in ("same", "other"):
        run(name, "yes", "all")
        assert not (tmp_path / name / "training.json").exists()
    run("same", "no")  # by default on as many as before
    same = fashion_zoo.open_run(tmp_path / "same")
    assert same.devices == 2
    assert (same.path / "history.csv").read_bytes() == (whole.path / "history.csv").read_bytes()
    weights = zip(same.load_model().get_weights(), whole.load_model().get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in weights)
    assert "resumed in another environment: devices was 2, now 1" in run("other", "no", "one")
    other = fashion_zoo.open_run(tmp_path / "other")
    assert other.devices == 1
    assert other.history()["loss"] == pytest.approx(whole.history()["loss"], rel=1e-4)
