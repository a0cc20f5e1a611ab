"""One suite over every registered recipe, on any backend."""

import functools

import keras
import numpy as np
import pytest
from rounding import SUMS

from fashion_zoo import get, list_recipes, recipe

# They have layers of ours; a variant has the layers of its recipe, in other sizes.
OWN_LAYERS = ("bn_mlp", "adaptive_dropout_mlp")
TRAINED = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name not in OWN_LAYERS))
        for name in list_recipes()
    ],
)
EVERY = pytest.mark.parametrize("name", list_recipes())
if keras.backend.backend() != "tensorflow":  # with which every one is built
    EVERY = TRAINED


@functools.cache
def built(name):
    """Return the model of a recipe, which no test changes."""
    return get(name, seed=3)


def predict(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


@pytest.mark.formula(17)
@EVERY
def test_the_stated_parameters_are_the_trainable_ones(name):
    model = built(name)
    counted = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert counted == recipe(name).parameters


@EVERY
def test_the_facts_are_complete(name):
    entry = recipe(name)
    assert entry.name == name
    assert entry.builder.__name__ == name.partition(".")[0]  # a variant has another's builder
    assert 10 < len(entry.summary) < 80
    assert entry.summary.endswith(".")
    assert entry.reference
    assert entry.tags
    assert f"python -m recipes.train {entry.builder.__name__}``" in entry.builder.__doc__


@EVERY
def test_the_model_is_functional_compiled_and_named(name):
    model = built(name)
    assert type(model) is keras.Model or isinstance(model, keras.src.models.functional.Functional)
    assert model.compiled
    assert model.name == name.partition(".")[0]
    assert len({layer.name for layer in model.layers}) == len(model.layers)


@EVERY
def test_pixels_in_logits_out(name, images):
    model = built(name)
    logits = predict(model, images.images)
    assert logits.shape == (200, 10)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert model.inputs[0].dtype == "float32"
    assert not np.allclose(logits.sum(axis=1), 1)


@TRAINED
def test_every_weight_gets_a_gradient(name, images):
    model = get(name)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    eager = keras.backend.backend() == "tensorflow"  # which spares the seconds of tracing
    model.compile("sgd", loss, run_eagerly=eager)
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.train_on_batch(images.images, images.labels)
    for old, weight in zip(before, model.trainable_weights, strict=True):
        assert not np.array_equal(old, weight), weight.path


@TRAINED
def test_get_fits_as_it_is_and_what_is_saved_agrees(name, images, tmp_path):
    model = get(name)
    history = model.fit(images.images, images.labels, epochs=3, batch_size=50, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert set(history) == {"loss", "accuracy"}
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(predict(again, images.images), predict(model, images.images))
    for layer, other in zip(model.layers, again.layers, strict=True):
        assert other.get_config() == layer.get_config()


@EVERY
def test_a_prediction_does_not_depend_on_its_batch(name, images):
    # 16 bits may round a sum the other way when another batch adds it up in another order.
    model = get(name, precision="float32")
    together = predict(model, images.images[:8])
    alone = np.concatenate([predict(model, image[None]) for image in images.images[:8]])
    assert np.abs(together - alone).max() < SUMS


@EVERY
def test_the_same_seed_builds_the_same_model(name, images):
    again = get(name, seed=3)
    assert np.array_equal(predict(again, images.images), predict(built(name), images.images))


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        pytest.param(name, precision, marks=[pytest.mark.slow] * (name not in OWN_LAYERS or slow))
        for name in list_recipes()
        for precision, slow in (("mixed_bfloat16", False), ("mixed_float16", True))
    ],
)
def test_mixed_precision_trains_with_float32_weights_and_logits(name, precision, images):
    model = get(name, precision=precision)
    assert keras.config.dtype_policy().name == "float32"
    assert model.get_layer("dense_1").compute_dtype == precision.removeprefix("mixed_")
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    # float16 skips the steps in which the scaled loss overflows; a few must remain
    model.fit(images.images, images.labels, batch_size=100, epochs=5, verbose=0)
    for old, weight in zip(before, model.trainable_weights, strict=True):
        assert not np.array_equal(old, weight), weight.path
    assert {str(weight.dtype) for weight in model.trainable_weights} == {"float32"}
    logits = predict(model, images.images)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
