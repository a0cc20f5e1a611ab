"""A run is what its config says, whatever Keras's global settings say."""

import contextlib
import warnings

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo.data import load
from fashion_zoo.evaluation.predict import probabilities

HOSTILE = {
    "floatx": "float16",
    "dtype_policy": "mixed_float16",
    "epsilon": 0.1,
    "image_data_format": "channels_first",
    "max_epochs": 1,
    "max_steps_per_epoch": 1,
}


@contextlib.contextmanager
def globals_of(values):
    before = {name: getattr(keras.config, name)() for name in reversed(values)}
    for name, value in values.items():
        getattr(keras.config, f"set_{name}")(value)
    keras.config.disable_traceback_filtering()
    try:
        yield
        after = {name: getattr(keras.config, name)() for name in values}
        after["dtype_policy"] = after["dtype_policy"].name
        assert after == values
    finally:
        keras.config.enable_traceback_filtering()
        for name, value in before.items():
            getattr(keras.config, f"set_{name}")(value)


@pytest.mark.slow
def test_a_training_under_other_globals_is_the_same_bit_for_bit(trained, tmp_path, small):
    """And it comes to its end where every warning is an error, as under PYTHONWARNINGS=error."""
    images = load().validation.images[:20]
    expected = probabilities(trained.run.load_model(), images)
    with globals_of(HOSTILE), warnings.catch_warnings():
        warnings.simplefilter("error")
        again = fashion_zoo.train(
            "bn_mlp", run_dir=tmp_path / "r", evaluate=False, export=False, **small
        )
        assert np.array_equal(probabilities(again.run.load_model(), images), expected)
    history = "history.csv"
    assert (again.run.path / history).read_bytes() == (trained.run.path / history).read_bytes()


def test_what_get_compiles_measures_in_float32(images):
    with globals_of({"floatx": "float16", "dtype_policy": "float16"}):
        model = fashion_zoo.get("bn_mlp", hidden_units=(16, 8))
        model.run_eagerly = True
        model.train_on_batch(images.images, images.labels)
        assert {str(variable.dtype) for variable in model.metrics_variables} == {"float32"}
        assert model.loss.dtype == "float32"
        assert {str(weight.dtype) for weight in model.weights} == {"float32"}
        tracker = model.metrics[0]
        tracker.reset_state()
        for _ in range(300):  # whose sum is beyond float16
            tracker.update_state(300.0)
        assert (tracker.name, float(tracker.result())) == ("loss", pytest.approx(300, rel=0.01))
