"""What a training writes for TensorBoard, read back, and its trace."""

import csv

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, override
from fashion_zoo.config import digest
from fashion_zoo.layers import as_array
from fashion_zoo.training.gradients import of_training

OPTIONS = {
    "model": {"hidden_units": (16,), "dropout": 0.2},
    "data": {"limit": 300},
    "training": {
        "epochs": 2,
        "batch_size": 100,
        "tensorboard": True,
        "profile": True,
        "label_smoothing": 0.1,
        "schedules": {"dropout": "linear", "label_smoothing": "linear"},
    },
}


def train(folder, **more):
    return fashion_zoo.train(
        "bn_mlp", run_dir=folder, evaluate=False, export=False, **OPTIONS, **more
    )


def events(run, part):
    """Yield step, tag and value of all that was written for training or validation."""
    import tensorflow as tf
    from tensorflow.core.util import event_pb2

    for file in sorted((run.path / "tensorboard" / part).glob("events.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                yield event.step, value.tag, tf.make_ndarray(value.tensor)


def scalars(run):
    """Columns of the history as TensorBoard has them: name to a value for each epoch."""
    found = {}
    for part, prefix in (("train", ""), ("validation", "val_")):
        for step, tag, value in events(run, part):
            if tag.startswith("epoch_"):
                found.setdefault(prefix + tag.removeprefix("epoch_"), {})[step + 1] = float(value)
    return found


@pytest.fixture(scope="module")
def watched(shared):
    """A training with TensorBoard and a trace."""
    _, folder = shared("watched", lambda folder: train(folder / "r").run.path.name)
    return fashion_zoo.open_run(folder / "r")


def check_scalars(run):
    with (run.path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = scalars(run)
    assert set(found) == set(rows[0]) - {"epoch"}
    for name, values in found.items():
        assert values == {int(row["epoch"]): np.float32(row[name]) for row in rows}, name


@pytest.mark.slow
def test_scalars_are_those_of_the_history_live_values_too(watched):
    check_scalars(watched)
    live = {"learning_rate", "dropout_1_rate", "label_smoothing", "val_accuracy"}
    assert live <= set(scalars(watched))


@pytest.mark.slow
def test_a_resumed_training_goes_on_writing(watched, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "r", callbacks=[Stop()])
    run = train(tmp_path / "r", resume=True).run
    check_scalars(run)
    assert (run.path / "history.csv").read_bytes() == (watched.path / "history.csv").read_bytes()


def test_weights_and_gradients_are_histograms_of_each_epoch(watched):
    seen = {(tag, step) for step, tag, _ in events(watched, "train")}
    for weight in ("dense_1/kernel", "batch_norm_1/gamma", "logits/bias"):
        assert {(f"{weight}/histogram", step) for step in range(2)} <= seen
        assert {(f"{weight}/gradient", step) for step in range(2)} <= seen


def test_the_graph_and_mistakes_on_validation_images_are_there(watched):
    assert "keras" in {tag for _, tag, _ in events(watched, "train")}
    ((step, picture),) = [
        (step, value) for step, tag, value in events(watched, "validation") if tag == "mistakes"
    ]
    assert step == 1
    assert picture[2].startswith(b"\x89PNG")


def test_a_trace_of_an_execution_is_written(watched):
    traces = list((watched.path / "tensorboard").glob("plugins/profile/*/*.xplane.pb"))
    assert len(traces) == 1
    assert traces[0].stat().st_size > 1000


def test_what_watches_has_no_part_in_a_digest(watched):
    plain = override(watched.config, {"training": {"tensorboard": False, "profile": False}})
    assert digest.of(plain) == digest.of(watched.config)
    assert digest.of(override(plain, {"seed": 1})) != digest.of(plain)


@pytest.mark.slow
def test_watching_changes_no_training(watched, tmp_path):
    config = override(watched.config, {"training": {"tensorboard": False, "profile": False}})
    run = fashion_zoo.train(
        "bn_mlp", config=config, run_dir=tmp_path / "r", evaluate=False, export=False
    ).run
    assert (run.path / "history.csv").read_bytes() == (watched.path / "history.csv").read_bytes()
    assert not (run.path / "tensorboard").exists()


def test_gradients_are_those_of_a_training_step_and_leave_no_trace(images):
    model = fashion_zoo.get("l2_mlp", hidden_units=(16,), l2=0.1)
    x, y = images.images[:50].astype("float32"), images.labels[:50].astype("int32")
    before = [as_array(one).copy() for one in model.variables]
    found = of_training(model, x, y)
    assert all(map(np.array_equal, before, map(as_array, model.variables)))
    model.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(True))
    model.train_on_batch(x, y)
    for old, new, gradient in zip(before, model.trainable_variables, found, strict=True):
        np.testing.assert_allclose(old - as_array(new), as_array(gradient), atol=1e-5)


@pytest.mark.parametrize(
    ("backend", "setting", "text"),
    [
        ("jax", "tensorboard", "is written by TensorFlow, and the backend is jax"),
        ("torch", "profile", "needs the profiler of TensorFlow or JAX, and the backend is torch"),
    ],
)
def test_a_backend_that_cannot_write_it_is_refused_before_training(
    backend, setting, text, tmp_path, monkeypatch
):
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    from fashion_zoo.training.tensorboard import check

    with pytest.raises(ConfigError, match=text):
        check(fashion_zoo.TrainingConfig(**{setting: True}))


def test_without_tensorboard_the_line_that_installs_it_is_said(monkeypatch):
    from fashion_zoo.training.tensorboard import check

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        check(fashion_zoo.TrainingConfig(tensorboard=True))
