"""The recipe whose first kernel begins as a convolution and is an ordinary one afterwards."""

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, get, override, recipe
from fashion_zoo.layers import as_array
from fashion_zoo.models.conv_start import ConvStartConfig, convolution_matrix, initial_kernel
from fashion_zoo.spaces import complete, narrowed

SMALL = {"hidden_units": (784, 8)}  # 14 x 14 places, 4 channels


@pytest.mark.parametrize(
    ("shape", "size", "stride"),
    [((28, 28, 1), 5, 2), ((28, 28, 1), 4, 3), ((7, 10, 3), 3, 1), ((5, 4, 2), 7, 2)],
)
def test_the_matrix_is_the_convolution_of_keras(shape, size, stride):
    random = np.random.default_rng(0)
    height, width, channels = shape
    kernels = random.normal(size=(size, size, channels, 6)).astype("float32")
    layer = keras.layers.Conv2D(6, size, stride, padding="same", use_bias=False)
    images = random.uniform(size=(16, *shape)).astype("float32")
    layer.build(images.shape)
    layer.kernel.assign(kernels)
    expected = keras.ops.convert_to_numpy(layer(images)).reshape(16, -1)
    matrix = convolution_matrix(kernels, height, width, stride)
    assert matrix.shape == (height * width * channels, expected.shape[1])
    assert images.reshape(16, -1) @ matrix == pytest.approx(expected, abs=1e-5)


def test_the_first_layer_of_the_recipe_begins_as_a_convolution(images):
    model = get("conv_start_mlp", seed=3, precision="float32", **SMALL)
    kernel = as_array(model.get_layer("dense_1").kernel).reshape(28, 28, 14, 14, 4)
    # The kernel at the place in the middle, whose first pixel is 2 x 7 - 1.
    middle = kernel[13:18, 13:18, 7, 7][:, :, None]
    assert middle.all()
    layer = keras.layers.Conv2D(4, 5, 2, padding="same", use_bias=False)
    layer.build((None, 28, 28, 1))
    layer.kernel.assign(middle)
    expected = layer(images.images[:8, ..., None].astype("float32") / 255)
    inner = keras.Model(model.inputs[0], model.get_layer("dense_1").output)
    found = keras.ops.convert_to_numpy(inner(images.images[:8]))
    assert found == pytest.approx(keras.ops.convert_to_numpy(expected).reshape(8, -1), abs=1e-5)
    assert (kernel == 0).mean() > 0.96


def test_its_layers_are_those_of_bn_mlp_and_start_otherwise_with_another_seed():
    config = ConvStartConfig(**SMALL)
    first, same, other = (get("conv_start_mlp", seed=seed, **SMALL) for seed in (0, 0, 1))
    plain = get("bn_mlp", dropout=0.05, **SMALL)
    for one, stock in zip(first.layers, plain.layers, strict=True):
        assert (type(one), one.name) == (type(stock), stock.name)
    kernels = [as_array(one.get_layer("dense_1").kernel) for one in (first, same, other)]
    assert np.array_equal(kernels[0], kernels[1])
    assert np.array_equal(kernels[0], initial_kernel(config, 0))
    assert np.array_equal(kernels[0] != 0, kernels[2] != 0)
    used = kernels[0] != 0
    assert not (kernels[0][used] == kernels[2][used]).any()
    assert np.array_equal(first.get_layer("dense_2").kernel, plain.get_layer("dense_2").kernel)
    assert kernels[0][used].std() == pytest.approx(np.sqrt(2 / 25), rel=0.3)


def test_it_is_in_a_class_of_its_own():
    entry = recipe("conv_start_mlp")
    assert entry.tags == ("mlp", "batch_norm", "dropout", "augmentation", "convolution_at_start")
    assert fashion_zoo.find(tag="convolution_at_start") == ["conv_start_mlp"]
    assert entry.parameters <= 5_000_000
    large = recipe("bn_mlp.large").config
    assert (entry.config.training, entry.config.precision) == (large.training, large.precision)
    assert entry.config.model.normalization == large.model.normalization


def test_any_width_has_evenly_spaced_units():
    kernel = initial_kernel(ConvStartConfig(hidden_units=(98,)), 0)
    whole = initial_kernel(ConvStartConfig(hidden_units=(196,)), 0)
    assert np.array_equal(kernel, whole[:, ::2])
    many = initial_kernel(ConvStartConfig(hidden_units=(300,)), 0)
    assert many.shape == (784, 300)
    assert (many != 0).any(axis=0).all()


def test_all_of_its_weights_are_trained(images):
    model = get("conv_start_mlp", **SMALL)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.run_eagerly = keras.backend.backend() == "tensorflow"
    before = as_array(model.get_layer("dense_1").kernel).copy()
    model.train_on_batch(images.images, images.labels)
    moved = before != as_array(model.get_layer("dense_1").kernel)
    middle = moved.reshape(28, 28, -1)[10:18, 10:18]  # the pixels of the corners are always 0
    assert middle.mean() > 0.99


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (784,)}, r"A convolution takes images .*, received input_shape=\(784,\)"),
        ({"stride": 6}, "stride must be at most kernel_size, received 6 and 5"),
        ({"kernel_size": 0}, "kernel_size must be a whole number of at least 1, received 0"),
    ],
)
def test_a_convolution_that_there_is_not_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        get("conv_start_mlp", **options)


def test_kernels_and_strides_are_searched():
    entry = recipe("conv_start_mlp")
    space = narrowed(entry.space, {"kernel_size": "choice(3, 5)"}, entry.config)
    parameters = space.parameters(entry.config)
    made = space.config(complete(parameters, {"kernel_size": 3, "stride": 3}), entry.config).model
    assert (made.kernel_size, made.stride, made.hidden_units) == (3, 3, (1568, 1024, 1024))


def test_its_images_may_have_colors():
    data = {"model": {"input_shape": (8, 8, 3), "hidden_units": (32,)}}
    config = override(recipe("conv_start_mlp").config, data)
    assert initial_kernel(config.model, 0).shape == (192, 32)


class Break(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_run_resumes_and_is_exported_in_keras_classes_alone(tmp_path):
    """Bit for bit as a run that was never interrupted."""
    options = {
        "model": {"hidden_units": (196, 8)},
        "data": {"limit": 400},
        "training": {"epochs": 2, "batch_size": 100, "augmentation": "none",
                     "schedules": {"mixing": "constant"}},
        "export": False, "evaluate": False, "progress": False,
    }  # fmt: skip
    run = fashion_zoo.train("conv_start_mlp", run_dir=tmp_path / "whole", **options).run
    with pytest.raises(KeyboardInterrupt):
        fashion_zoo.train(
            "conv_start_mlp", run_dir=tmp_path / "cut", callbacks=[Break()], **options
        )
    again = fashion_zoo.train("conv_start_mlp", run_dir=tmp_path / "cut", resume=True, **options)
    model = run.load_model()
    assert {type(layer).__module__.partition(".")[0] for layer in model.layers} == {"keras"}
    for one, other in zip(model.weights, again.run.load_model().weights, strict=True):
        assert np.array_equal(as_array(one), as_array(other)), one.path
    if keras.backend.backend() == "tensorflow":
        assert fashion_zoo.export(run, tmp_path / "saved_model")["same_class"] == 1
