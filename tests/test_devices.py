"""What a process may take of a GPU; none is needed."""

import os
import subprocess
import types

import keras
import pytest
import tensorflow as tf

import fashion_zoo
from fashion_zoo import ConfigError
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
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", "")
    asked = []

    def said(command, **options):
        asked.append(command[0])
        return types.SimpleNamespace(stdout="81559\n40960\n")

    monkeypatch.setattr(subprocess, "run", said)
    fashion_zoo.limit_gpu_memory(10240)
    assert os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.2500"
    fashion_zoo.limit_gpu_memory(100_000)
    assert os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "1.0000"
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
    assert tune.main(["bn_mlp", *flags, "--data.limit", "200", "--gpu-memory", "4096"]) == 0
    assert gpus == {"first": [4096], "second": [4096]}
