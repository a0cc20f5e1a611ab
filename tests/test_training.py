import json
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, DataConfig, RunError, TrainingError, open_run, recipe, runs
from fashion_zoo.config import RunConfig, override
from fashion_zoo.data import load_split
from fashion_zoo.training import build_model
from fashion_zoo.training.compilation import compile_model, steps_of_about_a_second
from fashion_zoo.training.session import fit


class Capture(keras.callbacks.Callback):
    """Keep the rows in memory, where a run would write them."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(dict(logs))


class Silent:
    def start(self, *_):
        pass

    advance = finish_epoch = stop = start


def fitted(small, **changes):
    config = override(override(recipe("bn_mlp").config, small), changes)
    model, capture = build_model(recipe("bn_mlp"), config), Capture()
    fit(model, config, load_split(config.data), [capture], Silent())
    return model, capture.rows


def test_a_run_holds_what_it_says(trained):
    run = trained.run
    assert {file.name for file in run.path.iterdir()} == {
        "config.json", "environment.json", "history.csv", "timing.csv", "training.json",
        "model.keras", "curves.png", "evaluation.json", "confusion.png", "reliability.png",
        "errors.png", "saved_model",
    }  # fmt: skip
    stored = run.read_json("config.json")
    assert stored["format"] == 1
    assert stored["recipe"] == "bn_mlp"
    assert open_run(run.path) == run
    history = run.history()
    assert history["epoch"] == [1, 2]
    assert set(history) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate",
    }  # fmt: skip
    surroundings = run.read_json("environment.json")
    assert surroundings["versions"]["keras"] == keras.__version__
    assert surroundings["precision"] == {
        "asked": "float32", "policy": "float32", "reason": "asked for",
    }  # fmt: skip
    assert trained.training["finished"] is True
    assert trained.training["epochs"] == 2
    assert trained.training["validation_accuracy"] == pytest.approx(
        history["val_accuracy"][-1], abs=1e-7
    )


def test_the_same_seed_gives_the_same_run_bit_for_bit(trained, tmp_path, small):
    again = fashion_zoo.train(
        "bn_mlp", run_dir=tmp_path / "again", evaluate=False, export=False, **small
    )
    first, second = trained.run, again.run
    assert (first.path / "history.csv").read_bytes() == (second.path / "history.csv").read_bytes()
    weights = zip(first.load_model().weights, second.load_model().weights, strict=True)
    assert all(np.array_equal(a, b) for a, b in weights)
    other = fashion_zoo.train(
        "bn_mlp", run_dir=tmp_path / "other", seed=1, evaluate=False, export=False, **small
    )
    assert other.run.history()["loss"] != first.history()["loss"]


def test_how_many_steps_an_execution_has_changes_nothing(small, monkeypatch):
    module = "fashion_zoo.training.session.steps_of_about_a_second"
    rows = []
    for steps in (1, 3, 10):  # 10 batches: 3 leaves a ragged last execution
        monkeypatch.setattr(module, lambda *_, steps=steps: steps)
        rows.append(fitted(small)[1])
    for other in rows[1:]:
        for a, b in zip(rows[0], other, strict=True):
            assert a == pytest.approx(b, rel=1e-6)


def test_the_learning_rate_runs_to_the_end_of_its_schedule(small):
    _, rows = fitted(small)
    assert rows[-1]["learning_rate"] == pytest.approx(3e-3 / 250_000)
    _, rows = fitted(small, training={"schedules": {"learning_rate": "step"}, "epochs": 3})
    assert [row["learning_rate"] for row in rows] == pytest.approx([3e-3, 3e-4, 3e-5])


def test_dropout_rates_are_scheduled_and_logged(small):
    _, rows = fitted(small, training={"schedules": {"dropout": "linear"}})
    assert [row["dropout_1_rate"] for row in rows] == pytest.approx([0.2, 0.1])


def test_label_smoothing_keeps_validation_loss_comparable(small):
    model, rows = fitted(small, training={"label_smoothing": 0.1})
    compile_model(model, RunConfig())
    split = load_split(DataConfig())
    loss, accuracy = model.evaluate(
        split.validation.images, split.validation.labels.astype("int32"), verbose=0
    )
    assert rows[-1]["val_loss"] == pytest.approx(loss, rel=1e-4)
    assert rows[-1]["val_accuracy"] == pytest.approx(accuracy, abs=1e-6)


def test_early_stopping_brings_the_best_weights_back(tmp_path, small):
    config = {
        **small,
        "training": {
            "epochs": 12,
            "batch_size": 100,
            "learning_rate": 0.3,  # large enough to get worse again
            "schedules": {"learning_rate": "constant"},
            "early_stopping": {"monitor": "accuracy", "patience": 2},
        },
    }
    trained = fashion_zoo.train(
        "bn_mlp", run_dir=tmp_path / "r", evaluate=False, export=False, **config
    )
    accuracies = trained.run.history()["val_accuracy"]
    best = int(np.argmax(accuracies))
    assert len(accuracies) == best + 1 + 2 < 12
    assert trained.training["validation_accuracy"] == pytest.approx(accuracies[best], abs=1e-7)


def test_gradients_are_clipped_by_their_global_norm(small):
    free, _ = fitted(small, training={"optimizer": "sgd", "epochs": 1})
    still, _ = fitted(small, training={"optimizer": "sgd", "epochs": 1, "clip_norm": 1e-6})
    config = override(recipe("bn_mlp").config, small)
    start = build_model(recipe("bn_mlp"), config).get_layer("dense_1").kernel
    assert np.abs(still.get_layer("dense_1").kernel - start).max() < 1e-7
    assert np.abs(free.get_layer("dense_1").kernel - start).max() > 1e-3


def test_nan_stops_with_the_epoch_and_what_to_try(tmp_path, small):
    config = {**small, "training": {**small["training"], "learning_rate": 1e30, "optimizer": "sgd"}}
    with pytest.raises(TrainingError) as caught:
        fashion_zoo.train("baseline_mlp", run_dir=tmp_path / "r", **config)
    assert "of epoch 1. Try --training.learning-rate 1e+29 (it was 1e+30), or" in str(caught.value)
    with pytest.raises(RunError, match=r"has no model\.keras: its training did not finish"):
        fashion_zoo.evaluate(tmp_path / "r")


def test_a_model_that_does_not_fit_the_data_is_refused_before_anything_is_written(tmp_path, small):
    for changes, message in (
        ({"num_classes": 3}, "bn_mlp has num_classes=3, but the data has 10 classes"),
        ({"input_shape": (32, 32)}, r"input_shape=\(32, 32\), which is 1,024 values"),
    ):
        with pytest.raises(ConfigError, match=message):
            fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", model=changes)
        assert not (tmp_path / "r").exists()


def test_other_input_shapes_train_evaluate_and_export(tmp_path, small):
    for name, shape in (("flat", (784,)), ("channel", (28, 28, 1))):
        config = {**small, "model": {"hidden_units": (8,), "input_shape": shape}}
        trained = fashion_zoo.train("bn_mlp", run_dir=tmp_path / name, **config)
        assert trained.parity["same_class"] == 1


def test_a_run_is_never_overwritten_unless_forced(trained, tmp_path, small):
    with pytest.raises(RunError, match=r"holds a run already\. Choose another --run-dir, or repl"):
        fashion_zoo.train("bn_mlp", run_dir=trained.run.path, **small)
    folder = tmp_path / "r"
    for seed in (0, 1):
        fashion_zoo.train(
            "bn_mlp",
            run_dir=folder,
            force=True,
            seed=seed,
            evaluate=False,
            export=False,
            **small,
        )
        assert open_run(folder).config.seed == seed


def test_a_folder_that_is_not_a_run_is_never_replaced(tmp_path, small):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="is there already and is not a run"):
        fashion_zoo.train("bn_mlp", run_dir=tmp_path, force=True, **small)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a run folder: it has no config.json"),
        ("{", r"config\.json cannot be read"),
        ("[]", "is damaged: expected a JSON object"),
        ("{}", "config.json is not a run's"),
        ('{"format": 99}', "has format 99; this package knows formats up to 1. Update"),
        ('{"format": 1, "recipe": "own", "config": {}}', "name its file with --import"),
        ('{"format": 1, "recipe": "bn_mlp", "config": {"sed": 1}}', "Unknown option 'sed'"),
    ],
)
def test_what_is_not_a_run_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=message):
        open_run(tmp_path)
    with pytest.raises(RunError, match="There is no run folder"):
        open_run(tmp_path / "missing")


def test_a_damaged_model_is_named(trained, tmp_path):
    run = runs.create(tmp_path / "r", "bn_mlp", trained.run.config, {})
    data = trained.run.model_file.read_bytes()
    run.model_file.write_bytes(data[: len(data) // 2])
    with pytest.raises(RunError, match=r"model\.keras cannot be loaded"):
        run.load_model()


def test_an_execution_is_about_a_second_and_at_most_an_epoch():
    assert steps_of_about_a_second(576_010, 256, 214) == 50
    assert steps_of_about_a_second(1_000, 32, 100) == 100
    assert steps_of_about_a_second(10**9, 512, 100) == 1


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
    assert f"Interrupted after {stored['epochs']} whole epochs" in out
    assert len(open_run(tmp_path / "r").history()["loss"]) == stored["epochs"]
    assert fashion_zoo.evaluate(tmp_path / "r")["images"] == 10_000
