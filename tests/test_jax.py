"""With KERAS_BACKEND=jax and no tensorflow: recipes, layers, callbacks, training on arrays."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ExportError, get, list_recipes, schedules
from fashion_zoo.callbacks import DropoutScheduler
from fashion_zoo.layers import ScheduledDropout

STORED = Path(__file__).parent / "data" / "jax_trained.npz"


def test_this_environment_has_jax_and_no_tensorflow():
    assert keras.backend.backend() == "jax"
    assert importlib.util.find_spec("tensorflow") is None


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_fits_an_epoch_saves_and_loads(name, images, tmp_path):
    model = get(name)
    history = model.fit(images.images, images.labels, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(again(images.images), model(images.images))


@pytest.mark.parametrize("steps_per_execution", [1, 8])
def test_the_scheduled_rate_reaches_the_compiled_step(steps_per_execution):
    def dropped(y_true, y_pred):
        return keras.ops.mean(keras.ops.cast(keras.ops.equal(y_pred, 0), "float32"))

    inputs = keras.Input((200,))
    outputs = ScheduledDropout(0.4, seed=1, name="dropout_1")(inputs)
    model = keras.Model(inputs, [outputs, keras.layers.Dense(1)(inputs)])
    model.compile(
        "sgd", ["mse", "mse"], metrics=[[dropped], []], steps_per_execution=steps_per_execution
    )
    ones = np.ones((800, 200), dtype="float32")
    history = model.fit(
        ones,
        [ones, ones[:, :1]],
        batch_size=100,
        epochs=4,
        verbose=0,
        callbacks=[DropoutScheduler(schedules.linear())],
    ).history
    rates = [0.4, 0.3, 0.2, 0.1]
    assert history["dropout_1_rate"] == pytest.approx(rates)
    (measured,) = (values for name, values in history.items() if "dropped" in name)
    for rate, share in zip(rates, measured, strict=True):
        assert share == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / ones.size))


def test_a_whole_run_trains_and_evaluates_and_says_why_it_cannot_export(tmp_path, small):
    trained = fashion_zoo.train(
        "adaptive_dropout_mlp", run_dir=tmp_path / "r", export=False, **small
    )
    assert trained.evaluation["images"] == 10_000
    history = trained.run.history()
    assert history["dropout_1_rate"] == pytest.approx([0.3, 0.15])
    assert history["learning_rate"][-1] == pytest.approx(3e-3 / 250_000)
    assert trained.run.read_json("environment.json")["backend"] == "jax"
    with pytest.raises(ExportError, match="needs the tensorflow backend, this is jax"):
        fashion_zoo.export(tmp_path / "r", tmp_path / "to")


def test_the_same_seed_gives_the_same_run_bit_for_bit(tmp_path, small):
    first, second = (
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / name, evaluate=False, export=False, **small)
        for name in "ab"
    )
    for file in ("history.csv",):
        assert (first.run.path / file).read_bytes() == (second.run.path / file).read_bytes()
    weights = zip(first.run.load_model().weights, second.run.load_model().weights, strict=True)
    assert all(np.array_equal(a, b) for a, b in weights)


def test_the_stored_file_that_tensorflow_reads_is_what_jax_computes(images):
    stored = np.load(STORED)
    model = keras.saving.load_model(STORED.with_suffix(".keras"))
    assert np.allclose(model(images.images[:20]), stored["logits"], atol=1e-6)
