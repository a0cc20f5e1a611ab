"""What a process may take of a GPU, and what memory it gives back; no GPU is needed."""

import gc
import inspect
import logging
import os
import subprocess
import sys
import threading
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import func_graph, ops

import fashion_zoo
from fashion_zoo import ConfigError
from fashion_zoo.machine import devices
from fashion_zoo.machine.devices import releasing
from recipes import tune


@pytest.fixture
def gpus(monkeypatch):
    """Two GPUs that TensorFlow is said to see, and the limits that they got."""
    limits = {}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["first", "second"])
    monkeypatch.setattr(
        tf.config,
        "set_logical_device_configuration",
        lambda gpu, limit: limits.update({gpu: [one.memory_limit for one in limit]}),
    )
    return limits


def test_tensorflow_gets_a_limit_for_each_gpu(gpus):
    fashion_zoo.limit_gpu_memory(2048)
    assert gpus == {"first": [2048], "second": [2048]}


def test_a_gpu_in_use_is_answered(gpus, monkeypatch):
    def refuse(gpu, limit):
        raise RuntimeError("Virtual devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "set_logical_device_configuration", refuse)
    with pytest.raises(ConfigError, match=r"uses the GPU already.*Call limit_gpu_memory first"):
        fashion_zoo.limit_gpu_memory(2048)


def test_jax_gets_a_share_of_the_smallest(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.9")
    monkeypatch.setenv("XLA_CLIENT_MEM_FRACTION", "0.8")
    asked = []

    def said(command, **options):
        asked.append(command[0])
        return types.SimpleNamespace(stdout="81559\n40960\n")

    monkeypatch.setattr(subprocess, "run", said)
    fashion_zoo.limit_gpu_memory(10240)
    assert os.environ["XLA_CLIENT_MEM_FRACTION"] == "0.2500"
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in os.environ  # jaxlib refuses both
    fashion_zoo.limit_gpu_memory(100_000)
    assert os.environ["XLA_CLIENT_MEM_FRACTION"] == "1.0000"
    assert asked == ["nvidia-smi", "nvidia-smi"]


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_without_a_gpu_it_says_so(backend, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="no GPU here whose memory could be limited to 9 MiB"):
        fashion_zoo.limit_gpu_memory(9)


def test_a_limit_is_a_number_of_mebibytes():
    with pytest.raises(ConfigError, match="gpu_memory must be a whole number of at least 1"):
        fashion_zoo.limit_gpu_memory(0)


def test_the_search_limits_what_it_takes(gpus, tmp_path, capsys):
    flags = ["--seconds", "1e-9", "--candidates", "0", "--study-dir", str(tmp_path)]
    assert tune.main(["bn_mlp", *flags, "--data.limit", "600", "--gpu-memory", "4096"]) == 0
    assert gpus == {"first": [4096], "second": [4096]}


def graphs():
    """How many graphs of functions this process has."""
    gc.collect()
    return sum(type(one) is func_graph.FuncGraph for one in gc.get_objects())


def train_swish():
    layers = keras.layers
    net = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, activation="swish"), layers.Dense(1)]
    )
    net.compile("adam", "mse")
    net.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@pytest.mark.slow
def test_a_model_that_was_trained_in_the_block_leaves_no_graph():
    train_swish()
    before, gradients = graphs(), set(ops.gradient_registry._registry)
    with releasing():
        train_swish()
        assert graphs() > before
    assert graphs() <= before
    assert set(ops.gradient_registry._registry) == gradients  # those from before stay


def test_a_gradient_that_a_module_registers_stays():
    with releasing():
        ops.RegisterGradient("OfSomeModule")(lambda op, gradient: gradient)
    assert ops.gradient_registry._registry.pop("OfSomeModule")


@pytest.mark.slow
def test_an_error_in_the_block_leaves_nothing_either():
    gradients = set(ops.gradient_registry._registry)
    with pytest.raises(ZeroDivisionError), releasing():
        train_swish()
        raise ZeroDivisionError
    assert set(ops.gradient_registry._registry) == gradients


def test_a_gpu_that_the_backend_gave_up_is_noticed(monkeypatch):
    there = {"/dev/nvidiactl"}
    monkeypatch.setattr(os.path, "exists", there.__contains__)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    found = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: found)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {})
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert devices.gpu_is_lost()
    with monkeypatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # it was hidden
        assert not devices.gpu_is_lost()
    found.append(types.SimpleNamespace(name="a GPU"))
    assert not devices.gpu_is_lost()
    chips = [types.SimpleNamespace(platform="cpu", device_kind="a chip")]
    monkeypatch.setitem(sys.modules, "jax", types.SimpleNamespace(devices=lambda: chips))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert devices.gpu_is_lost()
    chips[0].platform = "cuda"
    assert not devices.gpu_is_lost()
    there.clear()
    chips[0].platform = "cpu"
    assert not devices.gpu_is_lost()


def test_every_public_call_that_makes_models_gives_their_memory_back():
    calls = {name: getattr(fashion_zoo, name) for name in fashion_zoo.__all__}
    calls = {name: inspect.unwrap(one) for name, one in calls.items() if inspect.isfunction(one)}
    released = {
        name
        for name, one in calls.items()
        if "@releasing()" in inspect.getsource(one).partition("def ")[0]
    }
    assert released == {
        "audit", "compare", "ensemble", "evaluate", "export", "find_lr", "inspect", "predict",
        "publish", "train", "train_ensemble", "tune",
    }  # fmt: skip
    # What takes long says so; it is what makes models.
    assert {
        name for name, one in calls.items() if "progress" in inspect.signature(one).parameters
    } <= released


@pytest.mark.slow
def test_a_call_leaves_no_gradient_and_none_of_the_callers_settings_behind(small):
    keras.config.set_dtype_policy("mixed_bfloat16")
    gradients = set(ops.gradient_registry._registry)
    try:
        fashion_zoo.find_lr("bn_mlp", seeds=1, steps=20, **small)  # whose layers have one
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert set(ops.gradient_registry._registry) == gradients


def test_what_another_thread_registers_meanwhile_is_left_to_it():
    registry = ops.gradient_registry._registry
    begun, end = threading.Event(), threading.Event()

    def train():
        with releasing():
            registry["CustomGradient-of-the-other"] = None
            begun.set()
            end.wait()

    other = threading.Thread(target=train)
    with releasing():
        other.start()
        begun.wait()
    assert "CustomGradient-of-the-other" in registry
    end.set()
    other.join()
    assert "CustomGradient-of-the-other" not in registry


def test_retracing_is_not_warned_of_in_the_block_and_all_else_is(monkeypatch):
    logger, heard = tf.get_logger(), []
    monkeypatch.setattr(logger, "handle", lambda one: logger.filter(one) and heard.append(one.msg))
    monkeypatch.setattr(logger, "level", logging.WARNING)  # a command may have raised it
    logger.manager._clear_cache()
    said = "5 out of the last 5 calls triggered tf.function retracing. Tracing is expensive"
    with releasing():
        logger.warning(said)
        logger.warning("something else")
    logger.warning(said)
    assert heard == ["something else", said]
