"""The NumPy of the guide's pages beside the layers that compute it: values and gradients."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from guide import TOLERANCE, close, drawn, formula
from rounding import SUMS
from test_layers import normalized

import fashion_zoo
from fashion_zoo import schedules
from fashion_zoo.evaluation import cost
from fashion_zoo.layers import BatchNormalization, ScheduledDropout

precise = pytest.mark.parametrize("dtype", TOLERANCE)


def by_tape(function, *inputs):
    """Return what a function returns, and the gradients by its inputs of its weighted sum ``g``."""
    inputs = [tf.constant(one) for one in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = function(*inputs)
        g = drawn(*outputs.shape, dtype=outputs.dtype.name)
        loss = tf.reduce_sum(outputs * g)
    return outputs, g, tape.gradient(loss, inputs)


def layers_of(kernels_and_biases):
    """Return kernels and biases counted from 1, as the pages count layers."""
    W, b = zip(*kernels_and_biases, strict=True)
    return [None, *W], [None, *b]


def relu(z):
    return np.maximum(z, 0)


@pytest.mark.formula(1)
def test_a_recipe_computes_the_forward_pass(images):
    model = fashion_zoo.get("baseline_mlp", hidden_units=(12, 8))
    for layer in (layers := [layer for layer in model.layers if layer.weights]):
        layer.bias.assign(drawn(*layer.bias.shape))  # they start at 0
    W, b = layers_of([[w.numpy().astype("float64") for w in layer.weights] for layer in layers])
    y = np.eye(10)[images.labels[:20]]
    x = images.images[:20].reshape(20, 784) / 255
    page = formula(1, x=x, y=y, W=W, b=b, L=3, s=relu)
    logits = model(images.images[:20])
    assert close(logits, page.z[3], "float32")
    assert close(keras.ops.softmax(logits), page.y_hat, "float32")
    assert close(keras.losses.CategoricalCrossentropy(True)(y, logits), page.loss, "float32")
    assert close(model.compute_loss(y=images.labels[:20], y_pred=logits), page.loss, "float32")
    h = keras.ops.convert_to_tensor(x)
    for number, layer in enumerate(layers, 1):  # the same, without the rounding of float32
        exact = keras.layers.Dense(layer.units, dtype="float64")
        exact.build(h.shape)
        exact.set_weights([W[number], b[number]])
        h = relu(z := keras.ops.convert_to_numpy(exact(h)))
    assert close(z, page.z[3], "float64")
    assert close(keras.losses.CategoricalCrossentropy(True)(y, z), page.loss, "float32")


@pytest.mark.formula(2)
@precise
@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_backpropagation_is_that_of_the_tape(name, dtype):
    sizes, m = (6, 5, 4, 3), 7
    shapes = list(itertools.pairwise(sizes))
    given = [(drawn(*shape, dtype=dtype), drawn(shape[1], dtype=dtype)) for shape in shapes]
    x, y = drawn(m, 6, dtype=dtype), np.eye(3, dtype=dtype)[np.arange(m) % 3]
    s, ds = {
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "relu": (relu, lambda z: (z > 0).astype("float64")),
    }[name]
    W, b = layers_of([(W.astype("float64"), b.astype("float64")) for W, b in given])
    forward = formula(1, x=x.astype("float64"), y=y, W=W, b=b, L=3, s=s)
    page = formula(2, **vars(forward), ds=ds, m=m)

    def outputs(*weights):
        h = tf.constant(x)
        for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
            z = h @ kernel + bias
            h = getattr(keras.activations, name)(z)
        return z, h

    weights = [tf.constant(one) for pair in given for one in pair]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(weights)
        logits, h = outputs(*weights)
        loss = keras.ops.mean(keras.losses.categorical_crossentropy(y, logits, from_logits=True))
        squared = keras.ops.mean(keras.ops.sum((h - y) ** 2, axis=1)) / 2
    assert close(loss, page.loss, dtype)
    gradients = tape.gradient(loss, weights)
    for found, expected in ((gradients[::2], page.d_W[1:]), (gradients[1::2], page.d_b[1:])):
        assert all(close(*pair, dtype) for pair in zip(found, expected, strict=True))
    assert close(tape.gradient(loss, logits), page.delta[3], dtype)
    assert close(squared, page.squared, dtype)
    found = tape.gradient(squared, logits)
    assert close(found, page.delta_squared, dtype)
    assert not close(tape.gradient(loss, logits), page.delta[3] * ds(page.z[3]), dtype)


@pytest.mark.formula(3, 4)
@precise
@pytest.mark.parametrize("kind", [keras.layers.BatchNormalization, BatchNormalization])
def test_batch_normalization_in_training_and_its_gradient(kind, dtype):
    x, g = drawn(9, 4, dtype=dtype, mean=2), drawn(9, 4, dtype="float32")
    gamma, beta = np.linspace(0.5, 2, 4), np.linspace(-1, 1, 4)
    for epsilon in (1e-5, 1e-3):  # of the page, and Keras's
        layer = kind(epsilon=epsilon, dtype=dtype)
        layer.build((None, 4))
        layer.gamma.assign(gamma)
        layer.beta.assign(beta)
        y, _, _, *gradients = normalized(layer, x, g)
        page = formula(3, x=x.astype("float64"), gamma=gamma, beta=beta, epsilon=epsilon)
        assert close(y, page.y, dtype)
        page = formula(4, **vars(page), g=g.astype("float64"), m=9)
        for found, name in zip(gradients, ("g_x", "g_gamma", "g_beta"), strict=True):
            assert close(found, getattr(page, name), dtype)
        assert close(page.g_x_short, page.g_x, "float64")
    assert not close(y, formula(3, x=x, gamma=gamma, beta=beta, epsilon=1e-5).y, dtype)


@pytest.mark.formula(5)
@precise
@pytest.mark.parametrize("kind", [keras.layers.BatchNormalization, BatchNormalization])
def test_running_statistics_and_prediction(kind, dtype):
    layer = kind(momentum=0.9, epsilon=1e-5, dtype=dtype)
    running, theirs = (np.zeros(4), np.ones(4)), (np.zeros(4), np.ones(4))
    for mean in (2, -1):
        x = drawn(9, 4, dtype=dtype, mean=mean)
        layer(x, training=True)
        given = {"x": x.astype("float64"), "gamma": 1.0, "beta": 0.0, "epsilon": 1e-5}
        page = formula(
            5, **vars(formula(3, **given)), m=9, momentum=0.9, torch_momentum=1 - 0.9,
            running_mean=running[0], running_variance=running[1],
            before_mean=theirs[0], before_variance=theirs[1],
        )  # fmt: skip
        running = page.running_mean, page.running_variance
        theirs = page.torch_mean, page.torch_variance
    assert close(layer.moving_mean, running[0], dtype)
    assert close(layer.moving_variance, running[1], dtype)
    assert close(layer(x, training=False), page.y_predicted, dtype)
    assert close(theirs[0], running[0], "float64")
    kept = 0.9**2  # of the variance at the start, which has no m - 1
    assert close(theirs[1] - kept, (running[1] - kept) * 9 / 8, "float64")


OTHERS = {
    "layer": (keras.layers.LayerNormalization, {}, 1),
    "group": (keras.layers.GroupNormalization, {"groups": 3}, None),
    "instance": (keras.layers.GroupNormalization, {"groups": -1}, (1, 2)),
    "batch": (keras.layers.BatchNormalization, {}, 0),
    "rms": (keras.layers.RMSNormalization, {}, None),
}


@pytest.mark.formula(16)
@precise
@pytest.mark.parametrize("name", OTHERS)
def test_normalizations_over_other_axes(name, dtype):
    kind, options, axis = OTHERS[name]
    x, pictures = drawn(8, 6, dtype=dtype, mean=2), drawn(4, 3, 5, 2, dtype=dtype, mean=2)
    given = {"x": x.astype("float64"), "pictures": pictures.astype("float64")}
    page = formula(16, **given, epsilon=1e-3, m=8, groups=3)
    layer = kind(epsilon=1e-3, dtype=dtype, **options)
    inputs = pictures if name == "instance" else x
    training = {"training": True} if name == "batch" else {}
    found, g, (gradient,) = by_tape(lambda one: layer(one, **training), inputs)
    assert close(found, getattr(page, name), dtype)
    g, inputs = g.astype("float64"), inputs.astype("float64")
    if axis is not None:
        assert close(gradient, page.gradient(g, inputs, axis), dtype)
    if name == "rms":
        assert close(gradient, page.gradient_of_rms(g, inputs), dtype)
    if name == "group":
        cut = page.gradient(g.reshape(8, 3, 2), inputs.reshape(8, 3, 2), 2)
        assert close(gradient, cut.reshape(8, 6), dtype)


@pytest.mark.formula(16)
def test_instance_normalization_of_a_vector_is_zero():
    x, pictures = drawn(8, 6), drawn(4, 3, 5, 2)
    page = formula(16, x=x, pictures=pictures, epsilon=1e-5, m=8, groups=3)
    assert not page.instance_of_a_vector.any()
    with pytest.raises(fashion_zoo.ConfigError, match="every value minus its own mean is 0"):
        fashion_zoo.normalizations.WORDS.parse("instance")


@pytest.mark.formula(7)
@precise
def test_dropout_scales_what_it_keeps_and_so_does_its_gradient(dtype):
    x = drawn(50, 8, dtype=dtype)
    for kind in (ScheduledDropout, keras.layers.Dropout):
        layer = kind(0.25, seed=0, dtype=dtype)
        found, g, (gradient,) = by_tape(functools.partial(layer, training=True), x)
        mask = (found.numpy() != 0).astype("float64")
        assert 0 < mask.sum() < mask.size
        page = formula(7, x=x.astype("float64"), g=g.astype("float64"), mask=mask, rate=0.25)
        assert close(found, page.y, dtype)
        assert close(gradient, page.g_x, dtype)
        assert close(layer(x, training=False), page.y_predicted, dtype)


@pytest.mark.formula(7)
def test_both_forms_of_dropout_agree_in_expectation_and_not_behind_relu():
    x, w = np.array([0.5, -1.0, 2.0, 1.5]), np.array([1.0, 2.0, -0.5, 0.7])
    means, behind = {"y": 0.0, "y_unscaled": 0.0}, 0.0
    for mask in itertools.product((0, 1), repeat=4):  # every one, with its probability
        mask = np.array(mask)
        chance = np.prod(np.where(mask, 0.75, 0.25))
        page = formula(7, x=x, g=0.0, mask=mask, rate=0.25)
        for name in means:
            means[name] = means[name] + chance * getattr(page, name)
        behind += chance * relu(w @ page.y)
    assert means["y"] == pytest.approx(page.y_predicted)
    assert means["y_unscaled"] == pytest.approx(page.y_unscaled_predicted)
    assert page.y_unscaled_predicted == pytest.approx(0.75 * x)
    assert relu(w @ page.y_predicted) == 0 < 0.1 < behind


@pytest.mark.formula(14)
def test_the_rate_of_adaptive_dropout_falls_with_progress():
    config = fashion_zoo.recipe("adaptive_dropout_mlp").config
    schedule = schedules.get(config.training.schedules.dropout)
    progress = np.arange(20) / 20
    for base_rate in config.model.dropout_rates:
        page = formula(14, base_rate=base_rate, progress=progress)
        assert [base_rate * schedule(p) for p in progress] == pytest.approx(page.rate)
    assert formula(14, base_rate=0.3, progress=1.0).rate == 0.3 * schedule(1.0) == 0


@pytest.mark.formula(11)
@precise
def test_activations_and_their_derivatives_are_those_of_keras(dtype):
    x = np.array([-3, -1, -1e-3, 0, 1e-3, 1, 3], dtype)
    page = formula(11, x=x.astype("float64"), slope=0.01, alpha=1.5)
    for name, layer in {
        "relu": keras.activations.relu,
        "leaky_relu": keras.layers.LeakyReLU(0.01, dtype=dtype),
        "elu": keras.layers.ELU(1.5, dtype=dtype),
    }.items():
        found, g, (gradient,) = by_tape(layer, x)
        assert close(found, getattr(page, name), dtype)
        assert close(gradient, g * getattr(page, f"d_{name}"), dtype)
    words = fashion_zoo.activations.WORDS
    ours = words.parse("leaky_relu(0.01)").make(name="ours", dtype=dtype)
    assert close(ours(x), page.leaky_relu, dtype)
    assert close(keras.activations.leaky_relu(x), np.where(x > 0, x, 0.2 * x), dtype)


DRAWS = {
    "he": keras.initializers.HeNormal,
    "glorot": keras.initializers.GlorotUniform,
    "lecun": keras.initializers.LecunNormal,
    "he_of_slope": fashion_zoo.activations.WORDS.parse("leaky_relu(0.5)").initializer.make,
    "he_fan_out": lambda seed: keras.initializers.VarianceScaling(2, mode="fan_out", seed=seed),
}


@pytest.mark.formula(13)
@pytest.mark.parametrize("name", DRAWS)
def test_initial_kernels_have_the_stated_variance(name):
    page = formula(13, fan_in=400, fan_out=250, slope=0.5)
    kernel = np.asarray(DRAWS[name](seed=0)((400, 250)))
    error = 5 * np.sqrt(2 / kernel.size)  # the most that a normal's would have; these are cut
    assert kernel.var() == pytest.approx(getattr(page, name), rel=error)
    assert kernel.mean() == pytest.approx(0, abs=5 * np.sqrt(getattr(page, name) / kernel.size))


@pytest.mark.formula(13)
def test_he_keeps_the_mean_square_of_relu_layers_by_fan_in():
    """By fan_out a tapering network multiplies it by fan_in / fan_out in each layer."""
    growth = {}
    for name in ("he", "he_fan_out"):
        h = drawn(200, 1024)
        before = (h**2).mean()
        for seed, units in enumerate((512, 256)):
            h = relu(h @ np.asarray(DRAWS[name](seed=seed)((h.shape[1], units)), "float64"))
        growth[name] = (h**2).mean() / before
    assert growth["he"] == pytest.approx(1, rel=0.2)
    assert growth["he_fan_out"] == pytest.approx(4 * growth["he"], rel=SUMS)  # the same draws


@pytest.mark.formula(17)
@pytest.mark.parametrize("name", ["baseline_mlp", "bn_mlp", "bn_mlp.large"])
def test_parameters_follow_from_the_widths(name):
    recipe = fashion_zoo.recipe(name)
    given = {"pixels": 784, "classes": 10, "n": 3, "budget": recipe.parameters}
    page = formula(17, widths=(784, *recipe.config.model.hidden_units, 10), **given)
    normalized = recipe.config.model.normalization == "batch"
    assert (page.parameters_normalized if normalized else page.parameters) == recipe.parameters
    one_width = formula(17, widths=(784, *[page.width] * 3, 10), **given)
    assert one_width.parameters == pytest.approx(recipe.parameters)
    model = fashion_zoo.get(name, hidden_units=(8, 6))
    assert cost.multiply_adds(model) == formula(17, widths=(784, 8, 6, 10), **given).multiply_adds
