"""``model.keras``: Keras's own classes alone, on any backend."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from fashion_zoo import layers, list_recipes, override, recipe
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.optimizers import last_step
from fashion_zoo.runs.model_file import read_model, write_model
from fashion_zoo.training.ending import model_messages
from fashion_zoo.training.fit import build_model, compile_model
from fashion_zoo.training.plan import plan


def thrice(x):
    return 3 * x


STORED = Path(__file__).parent / "data" / "jax_trained.npz"


def fitted(name, images, **changes):
    """A recipe, narrow, that has been trained for two steps as ``train`` compiles it."""
    training = {"batch_size": 50, "epochs": 1, **changes.pop("training", {})}
    config = override(
        recipe(name).config,
        {"model": {"hidden_units": (64, 32)}, "training": training, "precision": "float32"},
    )
    config = override(config, changes)
    planned = plan(config, 10 * [10])
    model = build_model(recipe(name), config.model, planned)
    eager(compile_model(model, planned))
    for _ in range(2):
        model.train_on_batch(images.images[:50], given(model, images.labels[:50]))
    return model


def given(model, labels):
    """Labels as the loss of a model takes them: hard, or soft after mixup."""
    soft = isinstance(model.loss, keras.losses.CategoricalCrossentropy)
    return np.eye(10, dtype="float32")[labels] if soft else labels


def eager(model):
    """Compute step by step where that spares a small model the seconds of tracing."""
    model.run_eagerly = keras.backend.backend() == "tensorflow"
    return model


def outputs(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


OWN_LAYERS = ("bn_mlp", "adaptive_dropout_mlp")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name not in OWN_LAYERS))
        for name in list_recipes()
    ],
)
def test_the_file_of_every_recipe_stands_alone(name, images, tmp_path, monkeypatch):
    model = fitted(name, images)
    model.save(tmp_path / "as_trained.keras")
    write_model(model, tmp_path / "model.keras")
    # As where this package is not installed: no class of it is registered.
    monkeypatch.setattr(keras.src.saving.object_registration, "GLOBAL_CUSTOM_OBJECTS", {})
    again = eager(keras.saving.load_model(tmp_path / "model.keras"))

    expected = outputs(model, images.images)
    assert np.abs(outputs(again, images.images) - expected).max() < 1e-5
    measured = again.test_on_batch(images.images, images.labels)
    trained = model.test_on_batch(images.images, given(model, images.labels))
    assert measured == pytest.approx(trained, abs=1e-5)
    assert type(again.optimizer) is type(keras.optimizers.Adam())  # PyTorch has its own
    ended = last_step(model.optimizer)["learning_rate"]
    assert float(again.optimizer.learning_rate) == pytest.approx(ended, rel=1e-6)
    before = again.get_weights()
    again.train_on_batch(images.images, images.labels)
    assert not np.array_equal(before[0], again.get_weights()[0])
    size, was = ((tmp_path / f"{file}.keras").stat().st_size for file in ("model", "as_trained"))
    assert size < was / 2


def modules(part):
    """Every module that a stored config names."""
    if isinstance(part, dict):
        if isinstance(part.get("module"), str):
            yield part["module"]
        part = list(part.values())
    for one in part if isinstance(part, list) else ():
        yield from modules(one)


@pytest.mark.parametrize(
    ("options", "optimizer"),
    [
        ({"optimizer": "sgd"}, keras.optimizers.SGD),
        (
            {
                "optimizer": "adamw",
                "weight_decay": 0.25,
                "schedules": {"weight_decay": "linear(1, 0.5)"},
            },
            keras.optimizers.AdamW,
        ),
    ],
)
def test_optimizers_and_moving_rates_end_as_numbers(options, optimizer, images, tmp_path):
    model = fitted("bn_mlp", images, training={**options, "clipping": "global_norm(2)"})
    dropout = model.get_layer("dropout_1")
    dropout.follow([1.0, 0.75])  # the factor of the last step stays
    write_model(model, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        config = json.loads(archive.read("config.json"))
    assert {module.partition(".")[0] for module in modules(config)} <= {"keras", "builtins"}
    assert not [module for module in modules(config["compile_config"]) if "backend" in module]
    assert config["compile_config"]["jit_compile"] == "auto"
    again = read_model(tmp_path / "model.keras")
    assert type(again.optimizer) is type(optimizer())  # PyTorch has its own
    assert again.optimizer.global_clipnorm == 2.0
    assert again.optimizer.weight_decay == (0.125 if "weight_decay" in options else None)
    assert again.get_layer("dropout_1").rate == 0.15
    assert dropout.base_rate == 0.2  # the model in training is as it was
    assert type(model.get_layer("batch_norm_1")) is layers.BatchNormalization


@pytest.mark.parametrize("options", [{}, {"precision": "mixed_float16"}])
def test_a_file_does_not_depend_on_what_the_process_made_before(options, images, tmp_path):
    digests = []
    for one in ("first", "second"):
        (tmp_path / one).mkdir()
        write_model(fitted("bn_mlp", images, **options), tmp_path / one / "model.keras")
        digests.append(digest_of(tmp_path / one))
    assert digests[0] == digests[1]


def test_loss_scaling_stays(images, tmp_path):
    model = fitted("bn_mlp", images, precision="mixed_float16")
    write_model(model, tmp_path / "model.keras")
    again = read_model(tmp_path / "model.keras")
    assert type(again.optimizer) is keras.optimizers.LossScaleOptimizer
    assert type(again.optimizer.inner_optimizer) is type(keras.optimizers.Adam())
    assert again.get_layer("dense_1").compute_dtype == "float16"


@keras.saving.register_keras_serializable("tests")
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


def test_a_layer_of_somebodys_own_stays_and_what_is_inside_a_model_is_replaced(tmp_path):
    inputs = keras.Input((4,))
    inner = keras.Sequential(
        [keras.Input((4,)), layers.BatchNormalization(), layers.ScheduledDropout(0.5)], name="inner"
    )
    outer = keras.Model(inputs, keras.layers.Dense(3)(Twice()(inner(inputs))))
    outer.compile("adam", "mse", run_eagerly=True)
    pixels = np.arange(8.0, dtype="float32").reshape(2, 4)
    outer.train_on_batch(pixels, np.zeros((2, 3)))
    write_model(outer, tmp_path / "model.keras")
    again = read_model(tmp_path / "model.keras")
    assert [type(layer) for layer in again.get_layer("inner").layers] == [
        keras.layers.BatchNormalization,
        keras.layers.Dropout,
    ]
    assert type(again.layers[2]) is Twice
    assert np.array_equal(outputs(again, pixels), outputs(outer, pixels))


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


def test_a_model_that_cannot_be_taken_apart_is_written_as_it_is_and_that_is_said(tmp_path, capsys):
    model = Subclassed()
    model.compile("adam", "mse", run_eagerly=True)
    model.train_on_batch(np.ones((2, 3)), np.zeros((2, 2)))
    write_model(model, tmp_path / "model.keras")
    assert "warning: the model is saved as it is, not in Keras's own" in capsys.readouterr().err
    assert type(read_model(tmp_path / "model.keras")) is Subclassed


def test_a_file_of_an_older_run_is_read_and_compiled(images):
    stored = np.load(STORED)
    model = read_model(STORED.with_suffix(".keras"))
    assert model.compiled
    assert np.abs(outputs(model, images.images[:20]) - stored["logits"]).max() < 1e-5


ELSEWHERE = """
import sys
sys.modules["fashion_zoo"] = None  # it cannot be imported
import keras, numpy as np
stored = np.load("images.npz")
images, labels = stored["images"], stored["labels"]
for name in sys.argv[1:]:
    model = keras.models.load_model(f"{name}.keras")
    # Logits are sums over up to 1,024 units, which another backend adds up in another order.
    error = np.abs(model.predict(images, verbose=0) - stored[name]).max()
    assert error < 1e-5 * max(np.abs(stored[name]).max(), 1), (name, error)
    assert set(model.evaluate(images, labels, verbose=0, return_dict=True)) == {"loss", "accuracy"}
    model.optimizer.learning_rate = 1e-3
    losses = model.fit(images, labels, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0], (name, losses)
    print(keras.backend.backend(), name, f"{error:.1e}")
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory, images):
    """A file of every recipe, at its own size, and what each model answers."""
    folder, answers = tmp_path_factory.mktemp("files"), {}
    for name in list_recipes():
        config = override(
            recipe(name).config,
            {"precision": "float32", "training": {"batch_size": 50, "epochs": 2}},
        )
        planned = plan(config, 10 * [20])
        model = build_model(recipe(name), config.model, planned)
        compile_model(model, planned)
        labels = given(model, images.labels)
        model.fit(images.images, labels, batch_size=50, epochs=2, verbose=0)
        model.save(folder / "as_trained.keras")
        write_model(model, folder / f"{name}.keras")
        sizes = ((folder / f"{one}.keras").stat().st_size for one in (name, "as_trained"))
        assert next(sizes) < next(sizes) / 2
        answers[name] = model.predict(images.images, verbose=0)
    np.savez(folder / "images.npz", images=images.images, labels=images.labels, **answers)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_file_loads_predicts_and_trains_without_this_package(backend, files):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-P", "-c", ELSEWHERE, *list_recipes()],
        cwd=files,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        [backend, name] for name in list_recipes()
    ]
    print(done.stdout)


def test_what_a_file_needs_to_be_loaded_is_returned(tmp_path):
    """Of layers within layers and functions as well; nothing of Keras's own is."""
    body = keras.Sequential([keras.Input((3,)), Twice(), keras.layers.Dense(2, activation=thrice)])
    for model, names in (
        (keras.Sequential([keras.Input((3,)), body, Twice()]), ["tests>Twice", "thrice"]),
        (keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "relu")]), []),
    ):
        model.compile("adam", "mse")
        assert write_model(model, tmp_path / "model.keras") == names


def test_what_a_model_needs_is_said():
    said = [*model_messages({"model_needs": ["tests>Twice"]}, "adam")]
    assert said == [
        "model.keras has parts that are not Keras's: tests>Twice. Where it is loaded, the file "
        "that registers them must be imported first."
    ]
    assert [*model_messages({}, "adam")] == []
