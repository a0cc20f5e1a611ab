"""Precision: which dtype policy the layers get, whatever Keras's global settings say."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class ChosenPrecision(NamedTuple):
    """A dtype policy and why it was chosen."""

    asked: str
    """The setting."""
    policy: str
    """Name of a Keras dtype policy: float32, mixed_bfloat16 or mixed_float16."""
    reason: str
    """One clause for ``environment.json``."""


def choose(precision: str) -> ChosenPrecision:
    """Turn a precision setting into a dtype policy.

    ``auto`` takes bfloat16 where the device multiplies it natively (a GPU of compute capability
    8.0 or newer, a CPU with AMX or AVX-512 BF16), else float16 with loss scaling on a GPU, else
    float32.

    Args:
        precision: float32, mixed_bfloat16, mixed_float16 or auto.
    """
    if precision != "auto":
        return ChosenPrecision(precision, precision, "asked for")
    capability = _gpu_capability()
    if capability is not None:
        version = ".".join(str(part) for part in capability)
        if capability >= (8, 0):
            return ChosenPrecision(
                precision, "mixed_bfloat16", f"GPU of compute capability {version}"
            )
        return ChosenPrecision(
            precision, "mixed_float16", f"GPU of compute capability {version}, no bfloat16"
        )
    if _cpu_multiplies_bfloat16():
        return ChosenPrecision(precision, "mixed_bfloat16", "CPU that multiplies bfloat16")
    return ChosenPrecision(precision, "float32", "neither a GPU nor a CPU that multiplies bfloat16")


def _gpu_capability() -> tuple[int, ...] | None:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        gpus = [device for device in jax.devices() if device.platform == "gpu"]
        text = getattr(gpus[0], "compute_capability", "0") if gpus else None
        return tuple(int(part) for part in text.split(".")) if text else None
    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.get_device_capability() if torch.cuda.is_available() else None
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    return tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))


def _cpu_multiplies_bfloat16(information: Path = Path("/proc/cpuinfo")) -> bool:
    # Linux alone tells; elsewhere float32 is the safe answer.
    words = information.read_text().split() if information.is_file() else []
    return "amx_bf16" in words or "avx512_bf16" in words


_DEFAULTS = {
    "dtype_policy": "float32",
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "max_epochs": None,
    "max_steps_per_epoch": None,
}


@contextlib.contextmanager
def keras_defaults() -> Iterator[None]:
    """Let Keras's global settings be its defaults in the block, and put them back at its end.

    A run is what its config says. Otherwise a ``keras.json`` or a notebook would have its say: in
    a float16 ``floatx`` the sum of an epoch's losses overflows, under ``channels_first`` an image
    is flattened in another order, and ``KERAS_MAX_EPOCHS`` ends a training before its schedule.
    """
    import keras

    # The policy first: until one is set, Keras reads it off floatx.
    before = {name: getattr(keras.config, name)() for name in _DEFAULTS}
    try:
        _set_globals(_DEFAULTS)
        yield
    finally:
        _set_globals(before)


def _set_globals(values) -> None:
    import keras

    for name, value in values.items():
        getattr(keras.config, f"set_{name}")(value)
