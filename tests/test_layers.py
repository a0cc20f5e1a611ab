import keras
import numpy as np
import pytest
from rounding import SUMS

from fashion_zoo.layers import BatchNormalization, ScheduledDropout

ONES = np.ones((1000, 100), dtype="float32")


@pytest.mark.formula(7)
def test_it_drops_the_rate_and_scales_the_rest():
    layer = ScheduledDropout(0.3, seed=0)
    outputs = keras.ops.convert_to_numpy(layer(ONES, training=True))
    levels = round(0.3 * 65_536)  # 16 random bits
    assert np.unique(outputs).tolist() == [0.0, np.float32(65_536 / (65_536 - levels))]
    error = 5 * np.sqrt(0.3 * 0.7 / ONES.size)
    assert (outputs == 0).mean() == pytest.approx(0.3, abs=error)


def test_it_is_the_identity_outside_training():
    layer = ScheduledDropout(0.9, seed=0)
    assert np.array_equal(keras.ops.convert_to_numpy(layer(ONES)), ONES)
    assert np.array_equal(keras.ops.convert_to_numpy(layer(ONES, training=False)), ONES)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_the_rate_is_read_at_each_call(rate):
    layer = ScheduledDropout(0.2, seed=0)
    layer(ONES, training=True)
    layer.rate.assign(rate)
    outputs = keras.ops.convert_to_numpy(layer(ONES, training=True))
    assert (outputs == 0).mean() == pytest.approx(rate, abs=5 * np.sqrt(0.25 / ONES.size))
    assert outputs.max() == pytest.approx(1 / (1 - rate))


def test_masks_are_keyed_by_the_seed_and_move_on():
    first, second = ScheduledDropout(0.5, seed=1), ScheduledDropout(0.5, seed=1)
    a, b = first(ONES, training=True), first(ONES, training=True)
    assert np.array_equal(a, second(ONES, training=True))
    assert not np.array_equal(a, b)


def test_rates_finer_than_bfloat16_survive_mixed_precision():
    layer = ScheduledDropout(0.001, seed=0, dtype="mixed_bfloat16")
    inputs = np.ones((4000, 1000), dtype="float32")
    outputs = layer(inputs, training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    dropped = (keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32")) == 0).mean()
    assert dropped == pytest.approx(0.001, abs=5 * np.sqrt(0.001 / inputs.size))


def test_the_config_is_complete():
    given = {
        "rate": 0.3, "noise_shape": (None, 1), "seed": 7, "factors": [1.0, 0.5], "offset": 3,
        "name": "drop", "dtype": "mixed_bfloat16",
    }  # fmt: skip
    config = ScheduledDropout(**given).get_config()
    assert ScheduledDropout.from_config(config).get_config() == config
    assert config == {**given, "trainable": True, "dtype": config["dtype"]}
    assert config["dtype"]["config"]["name"] == "mixed_bfloat16"


def test_a_mask_can_be_shared_along_an_axis():
    features = keras.ops.convert_to_numpy(
        ScheduledDropout(0.3, noise_shape=(1, None), seed=0)(ONES, training=True)
    )
    assert (features == features[0]).all()
    assert 0 < (features[0] == 0).sum() < 100
    rows = keras.ops.convert_to_numpy(
        ScheduledDropout(0.3, noise_shape=(None, 1), seed=0)(ONES, training=True)
    )
    assert (rows == rows[:, :1]).all()
    assert (rows[:, 0] == 0).mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.3 * 0.7 / 1000))


def test_a_table_is_looked_up_by_the_masks_that_were_drawn():
    layer = ScheduledDropout(0.5, seed=0, factors=[0.0, 1.0, 1.9])
    shares = []
    for step in range(5):
        assert layer.steps == step
        outputs = keras.ops.convert_to_numpy(layer(ONES, training=True))
        layer(ONES)  # outside training nothing counts
        shares.append(float((outputs == 0).mean()))
    assert shares == pytest.approx([0, 0.5, 0.95, 0.95, 0.95], abs=5 * np.sqrt(0.25 / ONES.size))
    layer.follow([0.0, 1.0], offset=5)
    assert not (keras.ops.convert_to_numpy(layer(ONES, training=True)) == 0).any()
    assert layer.last_rate == 0
    layer.follow(None)
    assert layer.last_rate == 0.5


def test_a_factor_that_takes_the_rate_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"The factor 2 takes the rate of drop to 1; it must be"):
        ScheduledDropout(0.5, factors=[1.0, 2.0], name="drop")
    with pytest.raises(ValueError, match=r"The factor -1 takes"):
        ScheduledDropout(0.5).follow([-1.0])


def test_the_rate_is_one_weight_that_is_not_trained():
    layer = ScheduledDropout(0.3)
    layer.build((None, 4))
    assert not layer.trainable_weights
    assert [weight.name for weight in layer.non_trainable_weights] == ["rate"]


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match="rate must be at least 0 and below 1, received"):
        ScheduledDropout(rate)


def normalized(layer, inputs, weights):
    """Return outputs, statistics and the gradients by the inputs, gamma and beta."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        inputs = tf.constant(inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * weights)
        trained = [weight.value for weight in layer.trainable_weights]
        gradients = tape.gradient(loss, [inputs, *trained])
        return [outputs, layer.moving_mean, layer.moving_variance, *gradients]
    if keras.backend.backend() == "torch":
        import torch

        inputs = torch.tensor(inputs, requires_grad=True)
        outputs = layer(inputs, training=True)
        trained = [weight.value for weight in layer.trainable_weights]
        gradients = torch.autograd.grad(
            (outputs.float() * torch.tensor(weights)).sum(), [inputs, *trained]
        )
        return [outputs, layer.moving_mean, layer.moving_variance, *gradients]
    import jax

    def loss(trained, inputs):
        rest = [weight.value for weight in layer.non_trainable_variables]
        outputs, rest = layer.stateless_call(trained, rest, inputs, training=True)
        return (outputs.astype("float32") * weights).sum(), (outputs, rest)

    trained = [weight.value for weight in layer.trainable_variables]
    found = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(trained, jax.numpy.array(inputs))
    ((_, (outputs, statistics)), (by_trained, by_inputs)) = found
    return [outputs, *statistics, by_inputs, *by_trained]


@pytest.mark.formula(3, 4)
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "bfloat16", "float16"])
@pytest.mark.parametrize("batch", [7, 64])
def test_batch_normalization_is_that_of_keras(dtype, batch):
    generator = np.random.default_rng(0)
    inputs = generator.normal(2, 3, (batch, 16)).astype("float32")
    weights = generator.normal(size=(batch, 16)).astype("float32")
    found = []
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        layer = kind(momentum=0.9, epsilon=1e-5, dtype=dtype)
        layer.build((None, 16))
        layer.gamma.assign(np.linspace(0.5, 2, 16))
        layer.beta.assign(np.linspace(-1, 1, 16))
        found.append(normalized(layer, inputs, weights))
    for stock, ours in zip(*found, strict=True):
        assert len({keras.backend.standardize_dtype(one.dtype) for one in (stock, ours)}) == 1
        stock, ours = (
            keras.ops.convert_to_numpy(keras.ops.cast(one, "float32")) for one in (stock, ours)
        )
        tolerance = SUMS if dtype == "float32" else 2**-7  # a bit of bfloat16
        assert ours == pytest.approx(stock, rel=tolerance, abs=SUMS)
        assert np.abs(ours).max() > 0.1


def test_batch_normalization_takes_kerass_way_elsewhere(images):
    pixels = images.images[:8].astype("float32")[..., None]
    stock = keras.layers.BatchNormalization()
    ours = BatchNormalization()
    for kind in ({"training": True}, {"training": False}, {}):
        found = [keras.ops.convert_to_numpy(one(pixels, **kind)) for one in (ours, stock)]
        assert np.array_equal(*found)
    assert BatchNormalization.from_config(ours.get_config()).get_config() == ours.get_config()


@pytest.mark.parametrize("noise_shape", [(0, None), (-1,), (1.5, None), ("1",)])
def test_a_mask_that_has_no_shape_is_refused(noise_shape):
    with pytest.raises(ValueError, match="noise_shape must hold None and whole numbers above 0"):
        ScheduledDropout(0.5, noise_shape)


def test_a_mask_of_time_steps_passes_through():
    layer = ScheduledDropout(0.5)
    x = keras.Input((3,), dtype="int32")
    assert keras.layers.Embedding(4, 2, mask_zero=True)(x)._keras_mask is not None
    assert layer(keras.layers.Embedding(4, 2, mask_zero=True)(x))._keras_mask is not None


@pytest.mark.parametrize("units", [1, 2, 3])
def test_few_units_are_dropped_at_the_rate(units):
    layer = ScheduledDropout(0.1, seed=1)
    dropped = keras.ops.convert_to_numpy(layer(np.ones((30_000, units), "float32"), training=True))
    share = (dropped == 0).mean()
    assert share == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / dropped.size))


def test_a_scalar_is_dropped_too():
    layer = ScheduledDropout(0.5, seed=1)
    drawn = {float(layer(np.float32(1), training=True)) for _ in range(30)}
    assert drawn == {0.0, 2.0}


def test_a_rate_next_to_1_stays_finite_in_float16():
    layer = ScheduledDropout(1 - 1e-7, seed=1, dtype="float16")
    found = keras.ops.convert_to_numpy(layer(np.ones((1000, 1000), "float16"), training=True))
    assert np.isfinite(found).all()


def test_an_empty_batch_leaves_the_statistics_as_they_are():
    layer = BatchNormalization()
    layer.build((None, 3))
    assert layer(np.zeros((0, 3), "float32"), training=True).shape == (0, 3)
    for weight, value in ((layer.moving_mean, 0), (layer.moving_variance, 1)):
        assert (keras.ops.convert_to_numpy(weight) == value).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere it is Keras's own")
def test_a_second_derivative_of_batch_normalization_is_refused():
    import tensorflow as tf

    layer = BatchNormalization()
    layer.build((None, 2))
    inputs, weights = tf.constant([[0.0, 1.0], [2.0, 4.0], [3.0, 1.0]]), [[0, 1], [2, 3], [4, 5.0]]

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(inputs, training=True) ** 2 * weights)
        return tape.gradient(loss, inputs)

    def gradient_of_gradient():
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            squared = tf.reduce_sum(penalty() ** 2)
        return outer.gradient(squared, inputs)

    first = penalty()
    assert np.isfinite(first).all()
    with pytest.raises(Exception, match="has first derivatives only"):
        gradient_of_gradient()
