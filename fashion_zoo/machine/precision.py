"""Precision: the dtype policy of the layers, independent of Keras's global settings."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from fashion_zoo.machine.devices import accelerator, cpu_information


class ChosenPrecision(NamedTuple):
    """A dtype policy and why it was chosen."""

    asked: str
    policy: str
    """Name of a Keras dtype policy: float32, mixed_bfloat16 or mixed_float16."""
    reason: str
    """A clause for ``environment.json``."""


def choose(precision: str) -> ChosenPrecision:
    """Turn a precision setting (a dtype policy, or "auto") into a dtype policy.

    ``auto`` takes bfloat16 where the device multiplies it natively (a GPU of compute capability
    8.0 or newer, a CPU with AMX or AVX-512 BF16), else float16 with loss scaling on a GPU, else
    float32.
    """
    if precision != "auto":
        return ChosenPrecision(precision, precision, "asked for")
    if (found := accelerator()) and found.capability:
        reason = f"GPU of compute capability {'.'.join(map(str, found.capability))}"
        if found.capability >= (8, 0):
            return ChosenPrecision(precision, "mixed_bfloat16", reason)
        return ChosenPrecision(precision, "mixed_float16", f"{reason}, no bfloat16")
    # Elsewhere than on Linux nothing is known of the CPU, and float32 is the safe answer.
    if not {"amx_bf16", "avx512_bf16"}.isdisjoint(cpu_information().split()):
        return ChosenPrecision(precision, "mixed_bfloat16", "CPU that multiplies bfloat16")
    return ChosenPrecision(precision, "float32", "neither a GPU nor a CPU that multiplies bfloat16")


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
    """Set Keras's global settings to its defaults in the block, and restore them at its end.

    Otherwise a ``keras.json`` or a notebook could change a run: in a float16 ``floatx`` the sum of
    an epoch's losses overflows, under ``channels_first`` an image is flattened in another order,
    and ``KERAS_MAX_EPOCHS`` ends a training before its schedule.
    """
    import keras

    with contextlib.ExitStack() as restored:
        # The policy comes first: until one is set, Keras derives it from floatx.
        for name, default in _DEFAULTS.items():
            change = getattr(keras.config, f"set_{name}")
            restored.callback(change, getattr(keras.config, name)())
            change(default)
        yield
