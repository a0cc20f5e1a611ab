"""Spectral normalization and weight standardization: layers whose kernel is not what multiplies."""

import keras
import numpy as np
import pytest
from rounding import SUMS

from fashion_zoo import ConfigError, MLPConfig, get
from fashion_zoo.layers import SpectralDense, StandardizedDense, as_array
from fashion_zoo.runs.model_file import in_keras_classes

X = np.random.default_rng(0).normal(size=(16, 20)).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def spectral(steps):
    layer = SpectralDense(12, seed=3, kernel_initializer=keras.initializers.HeNormal(1))
    layer(X)
    for _ in range(steps):
        layer.effective_kernel(training=True)
    return layer


def converged(layer):
    """The layer as after many steps of the power method."""
    vectors = np.linalg.svd(as_array(layer.kernel))[2]
    layer.u.assign(vectors[0])
    return layer


def test_the_power_method_finds_the_largest_singular_value():
    largest = np.linalg.svd(as_array(spectral(0).kernel))[1][0]
    found = [array(spectral(steps).effective_kernel()) for steps in (1, 40)]
    values = [np.linalg.svd(kernel)[1][0] for kernel in found]
    assert values[0] > 1.01, "a single step is below"
    assert values[1] == pytest.approx(1, abs=1e-3)
    assert found[1] == pytest.approx(as_array(spectral(0).kernel) / largest, rel=2e-3)


def test_a_spectral_layer_does_not_move_its_vector_outside_training():
    layer = spectral(0)
    before = as_array(layer.u)
    first, second = array(layer(X)), array(layer(X))
    assert np.array_equal(first, second)
    assert np.array_equal(as_array(layer.u), before)
    assert np.array_equal(array(layer(X, training=True)), first)
    assert not np.array_equal(as_array(layer.u), before)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras's writes a kernel")
def test_a_step_of_the_power_method_is_that_of_kerass_layer():
    layer, stock = spectral(0), keras.layers.SpectralNormalization(keras.layers.Dense(12))
    stock(X)
    stock.layer.kernel.assign(layer.kernel)
    stock.vector_u.assign(as_array(layer.u)[None])
    expected = array(stock(X, training=True))
    assert array(layer(X, training=True)) == pytest.approx(expected, abs=SUMS)
    assert as_array(layer.u) == pytest.approx(as_array(stock.vector_u)[0], abs=1e-6)


def test_a_standardized_kernel_has_mean_0_and_length_1_for_each_unit():
    layer = StandardizedDense(12, kernel_initializer=keras.initializers.RandomNormal(3.0, 2.0, 1))
    layer(X)
    kernel, raw = array(layer.effective_kernel()), as_array(layer.kernel)
    assert kernel.mean(axis=0) == pytest.approx(np.zeros(12), abs=1e-6)
    assert np.linalg.norm(kernel, axis=0) == pytest.approx(np.ones(12), abs=1e-5)
    layer.kernel.assign(7 * raw + 1)
    assert array(layer.effective_kernel()) == pytest.approx(kernel, abs=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a tape")
@pytest.mark.parametrize("kind", [SpectralDense, StandardizedDense])
def test_the_gradient_passes_through_the_norm(kind):
    """The scale of W changes nothing, so the gradient is orthogonal to W."""
    import tensorflow as tf

    layer = kind(12, kernel_initializer=keras.initializers.HeNormal(1))
    layer(X)
    layer = converged(layer) if kind is SpectralDense else layer
    with tf.GradientTape() as tape:
        loss = keras.ops.sum(keras.ops.square(layer(X, training=True) - 1))
    gradient = array(tape.gradient(loss, layer.kernel.value))
    kernel = as_array(layer.kernel)
    assert np.abs(gradient).max() > 0.1
    parallel = (gradient * kernel).sum() / np.linalg.norm(gradient) / np.linalg.norm(kernel)
    assert abs(parallel) < 1e-4


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("setting", ["spectral_normalization", "weight_standardization"])
def test_the_saved_model_has_the_effective_kernels(setting, dtype, images, tmp_path, monkeypatch):
    model = get("baseline_mlp", hidden_units=(16, 8), l2=1e-3, precision=dtype, **{setting: True})
    model.run_eagerly = keras.backend.backend() == "tensorflow"
    for _ in range(3):
        model.train_on_batch(images.images, images.labels)
    monkeypatch.setattr(keras.src.saving.object_registration, "GLOBAL_CUSTOM_OBJECTS", {})
    plain = in_keras_classes(model)
    assert {type(layer).__name__ for layer in plain.layers} == {
        "InputLayer", "Rescaling", "Flatten", "Dense", "Activation",
    }  # fmt: skip
    plain.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    expected = array(model(images.images))
    tolerance = SUMS if dtype == "float32" else 0.02
    assert array(again(images.images)) == pytest.approx(expected, abs=tolerance)
    assert len(again.weights) == 6
    kernel = as_array(again.get_layer("dense_1").kernel)
    assert np.array_equal(kernel, array(model.get_layer("dense_1").effective_kernel()))


@pytest.mark.parametrize("kind", [SpectralDense, StandardizedDense])
def test_a_folded_kernel_is_unfolded_into_the_same_layer(kind):
    layer, other = (kind(12, kernel_initializer=keras.initializers.HeNormal(n)) for n in (1, 2))
    expected, _ = array(layer(X)), other(X)
    folded = {"kernel": array(layer.folded()["kernel"])}
    more = other.unfolded(folded) if hasattr(other, "unfolded") else {}
    for weight in other.weights:
        if weight.name != "bias":
            weight.assign((folded | more)[weight.name])
    largest = 1 if kind is StandardizedDense else np.linalg.svd(folded["kernel"])[1][0]
    assert array(other(X)) == pytest.approx(expected / largest, abs=1e-5)


def test_spectral_normalization_is_of_every_kernel_and_bounds_how_far_logits_lie_apart(images):
    model = get("baseline_mlp", hidden_units=(16, 8), spectral_normalization=True)
    for name in ("dense_1", "dense_2", "logits"):
        converged(model.get_layer(name))
    x = images.images.astype("float32")
    logits = array(model(x))
    apart = np.linalg.norm(logits[:, None] - logits, axis=2)
    pixels = np.linalg.norm((x[:, None] - x).reshape(len(x), len(x), -1), axis=2) / 255
    assert (apart <= pixels + 1e-5).all()
    assert apart.max() > 0.01


def test_weight_standardization_is_of_the_hidden_layers():
    model = get("bn_mlp", hidden_units=(8,), weight_standardization=True)
    assert type(model.get_layer("dense_1")) is StandardizedDense
    assert type(model.get_layer("logits")) is keras.layers.Dense
    names = [weight.path for weight in get("bn_mlp", hidden_units=(8,)).weights]
    assert [weight.path for weight in model.weights] == names


def test_only_one_of_them_replaces_a_kernel():
    with pytest.raises(ConfigError, match="both replace the kernel, received True for both"):
        MLPConfig(spectral_normalization=True, weight_standardization=True)
