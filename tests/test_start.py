"""What is said where Keras cannot start."""

import importlib
import sys

import pytest

import fashion_zoo
from recipes import _common


@pytest.mark.parametrize(
    ("variable", "backend", "error", "message"),
    [
        (None, "theano", ValueError("Unable to import backend : theano"),
         r"The backend in home/keras\.json is 'theano', and Keras cannot start with it: Unable"),
        ("jax", "jax", ModuleNotFoundError("No module named 'jax'", name="jax"),
         r"KERAS_BACKEND is 'jax', .* No module named 'jax'\. Install that backend, or set"),
        ("jax", "jax", ModuleNotFoundError("No module named 'jaxlib'", name="jaxlib.xla"),
         r"KERAS_BACKEND is 'jax', "),
        ("jax", "jax", ModuleNotFoundError("No module named 'h5py'", name="h5py"),
         r"^Keras cannot start: ModuleNotFoundError: No module named 'h5py'\.$"),
        ("jax", "jax", ValueError("numpy.dtype size changed"),
         r"^Keras cannot start: ValueError: numpy\.dtype size changed\.$"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_blamed_where_keras_cannot_start(
    variable, backend, error, message, monkeypatch
):
    config = importlib.import_module("keras.src.backend.config")  # which reads both, when imported
    monkeypatch.setenv("KERAS_HOME", "home")
    monkeypatch.setenv("KERAS_BACKEND", variable or "")
    monkeypatch.setattr(config, "backend", lambda: backend)

    def load():
        raise error

    with pytest.raises(fashion_zoo.FashionZooError, match=message):
        _common._start_keras(load, gpu_memory=None, wake=False)


def test_a_backend_is_blamed_though_keras_has_forgotten_which_it_was(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.delitem(sys.modules, "keras.src.backend.config", raising=False)

    def load():
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    with pytest.raises(fashion_zoo.ConfigError, match="KERAS_BACKEND is 'torch'"):
        _common._start_keras(load, gpu_memory=None, wake=False)
