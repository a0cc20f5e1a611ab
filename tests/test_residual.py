"""Residual layers: what is added where, how they start, and what leaves the package."""

import keras
import numpy as np
import pytest
from rounding import SUMS

import fashion_zoo
from fashion_zoo import ConfigError, MLPConfig, get
from fashion_zoo.layers import as_array
from fashion_zoo.runs.model_file import in_keras_classes


def names(model):
    return [layer.name for layer in model.layers]


def test_residual_layers_of_equal_widths_are_added_in_front_of_the_normalization():
    options = {"hidden_units": (8, 8, 4, 4), "dropout": (0, 0.1, 0, 0)}
    model = get("bn_mlp", residual=True, **options)
    assert names(model)[3:] == [
        "dense_1", "batch_norm_1", "relu_1",
        "dense_2", "add_2", "batch_norm_2", "relu_2", "dropout_2",
        "dense_3", "batch_norm_3", "relu_3",
        "dense_4", "add_4", "batch_norm_4", "relu_4",
        "logits",
    ]  # fmt: skip
    for number in (2, 4):
        before, own = model.get_layer(f"add_{number}").input
        assert before is model.get_layer(f"dense_{number - 1}").output
        assert own is model.get_layer(f"dense_{number}").output
    plain = get("bn_mlp", **options)
    assert [one.path for one in model.weights] == [one.path for one in plain.weights]


def test_a_residual_layer_computes_what_its_formula_says(images):
    model = get("baseline_mlp", hidden_units=(8, 8, 8), residual=True, activation="gelu")
    kernels = [keras.ops.convert_to_numpy(model.get_layer(f"dense_{i}").kernel) for i in (1, 2, 3)]
    z = images.images[:4].reshape(4, 784).astype("float32") / 255 @ kernels[0]
    for kernel in kernels[1:]:
        z = z + keras.ops.convert_to_numpy(keras.ops.gelu(z, approximate=False)) @ kernel
    inner = keras.Model(model.inputs[0], model.get_layer("add_3").output)
    assert keras.ops.convert_to_numpy(inner(images.images[:4])) == pytest.approx(z, abs=1e-5)


def test_the_initial_kernels_of_residual_layers_are_divided_by_the_root_of_their_number():
    options = {"hidden_units": (16, 16, 16, 8, 8, 8)}
    model, plain = get("baseline_mlp", residual=True, **options), get("baseline_mlp", **options)
    for layer in (1, 2, 3, 4, 5, 6):
        found, expected = (
            keras.ops.convert_to_numpy(one.get_layer(f"dense_{layer}").kernel)
            for one in (model, plain)
        )
        assert found == pytest.approx(expected / (1 if layer in (1, 4) else 2), rel=1e-6), layer


def test_a_deep_residual_stack_keeps_its_signals_within_e(images):
    model = get("baseline_mlp", hidden_units=64 * (128,), residual=True)
    inner = keras.Model(
        model.inputs[0], [model.get_layer(name).output for name in ("dense_1", "add_64")]
    )
    first, last = (
        np.sqrt(np.mean(np.square(keras.ops.convert_to_numpy(z))))
        for z in inner(images.images.astype("float32"))
    )
    # In the mean (1 + 1 / 63)^63 = 2.7; with twice that variance of a branch 7.2, with half 1.6.
    assert 1.8 < (last / first) ** 2 < 4


def test_residual_without_neighbors_of_one_width_is_refused():
    message = (
        r"residual adds a hidden layer to the one before it if their widths are equal, received "
        r"hidden_units=\(8, 4, 8\), of which no two neighbors are"
    )
    with pytest.raises(ConfigError, match=message):
        get("bn_mlp", hidden_units=(8, 4, 8), residual=True)
    with pytest.raises(ConfigError, match="residual must be True or False, received 1"):
        MLPConfig(residual=1)


@pytest.mark.parametrize(
    "options",
    [{}, {"spectral_normalization": True}, {"weight_standardization": True, "dropout": 0.5}],
    ids=["plain", "spectral", "standardized"],
)
def test_in_keras_classes_alone_the_same_is_computed(options, images):
    model = get("bn_mlp", hidden_units=(8, 8, 8), residual=True, **options)
    plain = in_keras_classes(model)
    assert {type(layer).__module__.partition(".")[0] for layer in plain.layers} == {"keras"}
    assert names(plain) == names(model)
    expected = keras.ops.convert_to_numpy(model(images.images))
    assert keras.ops.convert_to_numpy(plain(images.images)) == pytest.approx(expected, abs=SUMS)


class Break(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_residual_run_resumes_is_exported_inspected_and_started_from(images, tmp_path):
    """Bit for bit as a run that was never interrupted."""
    options = {
        "model": {"hidden_units": (16, 16, 16), "residual": True},
        "data": {"limit": 400},
        "training": {"epochs": 2, "batch_size": 100},
        "export": False, "evaluate": False, "progress": False,
    }  # fmt: skip
    run = fashion_zoo.train("bn_mlp", run_dir=tmp_path / "whole", **options).run
    with pytest.raises(KeyboardInterrupt):
        fashion_zoo.train("bn_mlp", run_dir=tmp_path / "cut", callbacks=[Break()], **options)
    again = fashion_zoo.train("bn_mlp", run_dir=tmp_path / "cut", resume=True, **options).run
    model = run.load_model()
    for one, other in zip(model.weights, again.load_model().weights, strict=True):
        assert np.array_equal(as_array(one), as_array(other)), one.path

    started = get("bn_mlp", weights=run.path, **options["model"])
    expected = keras.ops.convert_to_numpy(model(images.images))
    assert keras.ops.convert_to_numpy(started(images.images)) == pytest.approx(expected, abs=SUMS)
    fashion_zoo.inspect(run, to=tmp_path / "inspection", images=400)
    assert '"dense_3"' in (tmp_path / "inspection" / "inspection.json").read_text()
    if keras.backend.backend() == "tensorflow":
        proof = fashion_zoo.export(run, tmp_path / "saved_model")
        assert proof["same_class"] == 1
