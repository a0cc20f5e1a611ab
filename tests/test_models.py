import keras
import numpy as np
import pytest
from guide import formula

from fashion_zoo import ConfigError, MLPConfig, get
from fashion_zoo.layers import ScheduledDropout


def names(model):
    return [layer.name for layer in model.layers]


def test_bn_mlp_has_dense_norm_activation_dropout_in_this_order():
    assert names(get("bn_mlp", hidden_units=(8, 4))) == [
        "pixels", "scale", "flatten",
        "dense_1", "batch_norm_1", "relu_1", "dropout_1",
        "dense_2", "batch_norm_2", "relu_2", "dropout_2",
        "logits",
    ]  # fmt: skip


def test_batch_normalization_is_as_the_recipe_says():
    model = get("bn_mlp", hidden_units=(8,))
    norm = model.get_layer("batch_norm_1")
    assert (norm.epsilon, norm.momentum) == (1e-5, 0.9)
    assert not model.get_layer("dense_1").use_bias
    assert model.get_layer("logits").use_bias


def test_normalization_may_stand_after_the_activation_and_then_the_bias_counts():
    model = get("bn_mlp", hidden_units=(8,), normalization_position="after", dropout=0)
    assert names(model)[3:] == ["dense_1", "relu_1", "batch_norm_1", "logits"]
    assert model.get_layer("dense_1").use_bias


@pytest.mark.parametrize(
    ("normalization", "kind"),
    [
        ("layer(epsilon=0.125)", keras.layers.LayerNormalization),
        ("group(4, 0.125)", keras.layers.GroupNormalization),
        ("rms(0.125)", keras.layers.RMSNormalization),
    ],
)
def test_other_normalizations_keep_the_bias(normalization, kind):
    model = get("bn_mlp", hidden_units=(8,), normalization=normalization)
    norm = model.get_layer(f"{normalization.partition('(')[0]}_norm_1")
    assert (type(norm), norm.epsilon) == (kind, 0.125)
    assert getattr(norm, "groups", 4) == 4
    assert model.get_layer("dense_1").use_bias


def test_momentum_and_epsilon_of_batch_normalization_are_arguments():
    model = get("bn_mlp", hidden_units=(8,), normalization="batch(momentum=0.5, epsilon=0.125)")
    norm = model.get_layer("batch_norm_1")
    assert (norm.momentum, norm.epsilon) == (0.5, 0.125)
    norm(np.full((4, 8), 6.0, dtype="float32"), training=True)
    moved = keras.ops.convert_to_numpy(norm.moving_mean)
    assert moved == pytest.approx(3.0), "half of the way"


def test_baseline_has_no_regularization():
    model = get("baseline_mlp")
    assert {type(layer).__name__ for layer in model.layers} == {
        "InputLayer", "Rescaling", "Flatten", "Dense", "Activation",
    }  # fmt: skip
    assert model.losses == []


def test_adaptive_dropout_falls_from_the_input_to_the_output():
    layers = [x for x in get("adaptive_dropout_mlp").layers if isinstance(x, ScheduledDropout)]
    assert [layer.base_rate for layer in layers] == pytest.approx(
        [0.3, 0.3 - 0.2 / 3, 0.5 / 3, 0.1]
    )
    assert [float(layer.rate) for layer in layers] == pytest.approx(
        [layer.base_rate for layer in layers]
    )


@pytest.mark.formula(6)
def test_the_l2_penalty_is_on_kernels_only():
    model = get("l2_mlp", hidden_units=(8,), l2=0.01, normalization="batch")
    kernels = [
        keras.ops.convert_to_numpy(weight)
        for weight in model.trainable_weights
        if weight.name == "kernel"
    ]
    for weight in model.trainable_weights:
        if weight.name != "kernel":
            weight.assign(keras.ops.full(weight.shape, 1000.0))
    expected = 0.01 * sum(float((kernel**2).sum()) for kernel in kernels)
    found = float(keras.ops.convert_to_numpy(sum(model.losses)))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "selu", "gelu", "swish"])
def test_every_activation_builds_and_is_the_named_one(activation, images):
    model = get("baseline_mlp", hidden_units=(8,), activation=activation)
    layer = model.get_layer(f"{activation}_1")
    x = np.linspace(-2, 2, 9, dtype="float32")
    expected = getattr(keras.activations, activation)(keras.ops.convert_to_tensor(x))
    assert np.array_equal(layer(x), expected)


@pytest.mark.formula(11)
@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("leaky_relu(0.01)", [-0.02, 0, 2]),
        ("leaky_relu", [-0.4, 0, 2]),
        ("prelu(0.5)", [-1, 0, 2]),
        ("elu(0.5)", [0.5 * np.expm1(-2), 0, 2]),
    ],
)
def test_an_argument_of_an_activation_is_heeded(activation, expected):
    model = get("baseline_mlp", hidden_units=(1,), activation=activation)
    layer = model.get_layer(f"{activation.partition('(')[0]}_1")
    found = layer(np.array([[-2], [0], [2]], dtype="float32"))
    assert keras.ops.convert_to_numpy(found)[:, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.formula(13)
@pytest.mark.parametrize(
    ("activation", "variance"),
    [
        ("relu", 2 / 784),
        ("leaky_relu(0.5)", 1.6 / 784),
        ("selu", 1 / 784),
        ("tanh", 2 / (784 + 512)),
        ("mish", 2 / 784),
    ],
)
def test_the_initial_kernels_fit_the_activation(activation, variance):
    model = get("baseline_mlp", activation=activation, hidden_units=(512,))
    kernel = keras.ops.convert_to_numpy(model.get_layer("dense_1").kernel)
    assert kernel.var() == pytest.approx(variance, rel=0.01)
    plain = get("baseline_mlp", hidden_units=(512,), kernel_initializer="he_normal")
    chosen = get(
        "baseline_mlp", hidden_units=(512,), activation=activation, kernel_initializer="he_normal"
    )
    assert np.array_equal(chosen.get_layer("dense_1").kernel, plain.get_layer("dense_1").kernel)


@pytest.mark.parametrize("name", ["he", "glorot", "lecun"])
def test_uniform_kernels_end_at_the_root_of_three_variances_and_normal_ones_are_cut(name):
    variance = getattr(formula(13, fan_in=400, fan_out=250, slope=0.5), name)
    deviation = np.sqrt(variance) / 0.8796  # so that the variance is as stated once it is cut
    for kind, end in (("uniform", np.sqrt(3 * variance)), ("normal", 2 * deviation)):
        draw = keras.initializers.get(f"{name}_{kind}")
        largest = np.abs(keras.ops.convert_to_numpy(draw((400, 250)))).max()
        assert 0.99 * end < largest < 1.0001 * end, kind


def test_the_chosen_initializer_is_said():
    assert str(MLPConfig().initializer) == "he_normal"
    assert str(MLPConfig(activation="leaky_relu(0.5)").initializer) == "VarianceScaling(scale=1.6)"
    named = MLPConfig(activation="tanh", kernel_initializer="lecun_uniform")
    assert str(named.initializer) == "lecun_uniform"


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (784,), (32, 32, 3)])
def test_any_image_shape_or_flat_vector_goes_in(shape):
    model = get("baseline_mlp", input_shape=shape, hidden_units=(8,), num_classes=3)
    assert model(np.zeros((2, *shape), dtype="float32")).shape == (2, 3)


def test_kernels_are_he_initialized_and_keyed_by_the_seed():
    a, b, c = (get("baseline_mlp", seed=seed) for seed in (0, 0, 1))
    kernel = keras.ops.convert_to_numpy(a.get_layer("dense_1").kernel)
    assert kernel.std() == pytest.approx(np.sqrt(2 / 784), rel=0.01)
    for first, second, other in zip(a.weights, b.weights, c.weights, strict=True):
        assert np.array_equal(first, second)
        if first.name == "kernel":
            assert not np.array_equal(first, other)


def test_layers_of_the_same_shape_start_differently():
    model = get("baseline_mlp", hidden_units=(16, 16, 16))
    assert not np.array_equal(model.get_layer("dense_2").kernel, model.get_layer("dense_3").kernel)


def test_the_initializer_is_an_option():
    model = get("baseline_mlp", kernel_initializer="glorot_uniform")
    kernel = keras.ops.convert_to_numpy(model.get_layer("dense_1").kernel)
    limit = np.sqrt(6 / (784 + 512))
    assert abs(kernel).max() <= limit
    assert abs(kernel).max() == pytest.approx(limit, rel=0.001)


def test_pixels_go_in_raw(images):
    model = get("baseline_mlp", hidden_units=(8,))
    inner = keras.Model(model.inputs[0], model.get_layer("flatten").output)
    scaled = keras.ops.convert_to_numpy(inner(images.images[:2]))
    assert np.allclose(scaled, images.images[:2].reshape(2, 784) / 255)
    fractional = np.full((1, 28, 28), 127.6, dtype="float32")
    assert np.allclose(inner(fractional), 127.6 / 255)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"hidden_unit": (8,)}, "Unknown option of model 'hidden_unit'. Did you mean 'hidden_unit"),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and below 1, received 1.0"),
        ({"precision": "float16"}, "Unknown precision 'float16'. Did you mean"),
    ],
)
def test_a_wrong_override_of_get_is_answered(overrides, message):
    with pytest.raises(ConfigError, match=message):
        get("bn_mlp", **overrides)
