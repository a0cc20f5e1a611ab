"""Devices: the one that Keras computes on, limits of its memory, and memory that is freed."""

import contextlib
import ctypes
import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import checked

_INSIDE: list[int] = []  # the thread of each ``releasing`` block that is running


class Accelerator(NamedTuple):
    """The first GPU that Keras computes on, or another accelerator."""

    name: str
    capability: tuple[int, ...] | None
    """Compute capability, as in (8, 0); None if it is not a GPU."""


def accelerator() -> Accelerator | None:
    """Return the device that Keras computes on, None for the CPU."""
    import keras

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            for gpu in tf.config.list_physical_devices("GPU"):
                details = tf.config.experimental.get_device_details(gpu)
                capability = details.get("compute_capability", (0, 0))
                return Accelerator(details.get("device_name", gpu.name), capability)
        case "jax":
            import jax

            first = jax.devices()[0]
            if first.platform != "cpu":
                version = getattr(first, "compute_capability", "0")
                capability = tuple(int(part) for part in version.split("."))
                return Accelerator(
                    first.device_kind, capability if first.platform == "gpu" else None
                )
        case "torch":
            import torch

            if torch.cuda.is_available():
                return Accelerator(torch.cuda.get_device_name(), torch.cuda.get_device_capability())
    return None


def device_names() -> list[str]:
    """Return the names of all devices of this machine, for TensorFlow or jax: GPUs, else CPUs.

    Raises:
        ConfigError: if this process is one of several machines.
    """
    import keras

    if keras.backend.backend() == "jax":
        import jax

        if jax.process_count() > 1:
            raise _several_machines("jax.distributed has started")
        return keras.distribution.list_devices()
    import tensorflow as tf

    if "TF_CONFIG" in os.environ:
        raise _several_machines("TF_CONFIG is set")
    kinds = (tf.config.list_logical_devices(kind) for kind in ("GPU", "CPU"))
    return [device.name for device in next(filter(None, kinds))]


@checked
def limit_gpu_memory(mebibytes: int) -> None:
    """Limit the GPU memory of this process, so that several processes can share a GPU.

    Call it before anything is computed: memory is allocated when the device is initialized.

    Args:
        mebibytes: MiB of each visible GPU.

    Raises:
        ConfigError: if there is no GPU, or TensorFlow has initialized it already.
    """
    import keras

    checks.whole("gpu_memory", mebibytes, 1)
    backend = keras.backend.backend()
    if backend in ("jax", "torch"):
        share = min(mebibytes / _smallest_gpu(mebibytes), 1.0)
    if backend == "jax":  # which reads it when it initializes the device
        os.environ["XLA_CLIENT_MEM_FRACTION"] = f"{share:.4f}"
        # Its older name: with both, jaxlib does not use the GPU.
        os.environ.pop("XLA_PYTHON_CLIENT_MEM_FRACTION", None)
        return
    if backend == "torch":
        import torch

        for gpu in range(torch.cuda.device_count()):
            torch.cuda.set_per_process_memory_fraction(share, gpu)
        return
    import tensorflow as tf

    if not (gpus := tf.config.list_physical_devices("GPU")):
        raise _no_gpu(mebibytes)
    limit = [tf.config.LogicalDeviceConfiguration(memory_limit=mebibytes)]
    try:
        for gpu in gpus:
            tf.config.set_logical_device_configuration(gpu, limit)
    except RuntimeError as error:
        raise ConfigError(
            "This process uses the GPU already, and its memory can be limited only before. "
            "Call limit_gpu_memory first."
        ) from error


def cores() -> int:
    """Return the number of cores that this process may use, by affinity and container limits."""
    import joblib

    return joblib.cpu_count()


def cpu_information(file: Path = Path("/proc/cpuinfo")) -> str:
    """Return what the Linux kernel writes about the CPU; empty elsewhere."""
    return file.read_text() if file.is_file() else ""


def gpu_is_lost() -> bool:
    """Whether there is an NVIDIA GPU that Keras does not use, unless the user has hidden it.

    If a driver or a library does not fit, a backend says so only in its log, and uses the CPU.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if hidden or not os.path.exists("/dev/nvidiactl") or platforms.split(",")[0] == "cpu":
        return False
    return accelerator() is None


def check_eager(*, scope: bool = True) -> None:
    """Refuse a call inside a ``tf.function``, a ``tf.Graph`` or a strategy's ``scope``."""
    tf, keras = sys.modules.get("tensorflow"), sys.modules.get("keras")
    if tf is None or not hasattr(tf, "executing_eagerly"):  # not loaded, or not yet whole
        return
    if keras is not None and keras.backend.backend() != "tensorflow":
        return
    if not tf.executing_eagerly():
        raise ConfigError(
            "fashion_zoo was called inside a tf.function or a tf.Graph, where TensorFlow computes "
            "nothing yet. Call it outside."
        )
    if scope and tf.distribute.has_strategy():
        name = type(tf.distribute.get_strategy()).__name__
        raise ConfigError(
            f"fashion_zoo was called inside the scope of a {name}, but trains and predicts on "
            "devices that it chooses. Call it outside, or get a model inside and call its own fit."
        )


@contextlib.contextmanager
def releasing() -> Iterator[None]:
    """Free the memory of the models that are made in the block when it ends; see ``check_eager``.

    TensorFlow registers the gradient of every custom gradient that it traces for as long as the
    process lives, and that gradient holds the whole graph: swish has one, and so has an optimizer's
    sum over replicas. It also keeps what it compiled for every graph. Keras's ``clear_session``
    leaves the gradients, and resets the caller's dtype policy and distribution. While another
    thread is in such a block, nothing is freed: it may be in use there. TensorFlow's warning of
    retracing is muted in the block: a process with several models traces several graphs.
    """
    check_eager()
    before, here = set(_custom_gradients()), threading.get_ident()
    _INSIDE.append(here)
    logger, quiet = logging.getLogger("tensorflow"), _NoRetracing()
    logger.addFilter(quiet)
    try:
        yield
    finally:
        logger.removeFilter(quiet)
        alone = set(_INSIDE) == {here}
        _INSIDE.remove(here)
        known = _custom_gradients()
        # Others belong to modules, which stay loaded.
        new = [name for name in set(known) - before if name.startswith("CustomGradient-")]
        for name in new if alone else ():
            del known[name]
        gc.collect()
        if new and alone:  # after a training; a prediction keeps the kernels of the caller's graphs
            context = sys.modules.get("tensorflow.python.eager.context")
            if context is not None and (eager := context.context_safe()) is not None:
                eager.clear_kernel_cache()
        with contextlib.suppress(OSError, AttributeError):  # glibc alone has it
            ctypes.CDLL(None).malloc_trim(0)


class _NoRetracing(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()


def _custom_gradients() -> dict[str, Any]:
    """Return the registered gradients by name, from a private module if TensorFlow is loaded."""
    ops = sys.modules.get("tensorflow.python.framework.ops")
    return {} if ops is None else ops.gradient_registry._registry


def _smallest_gpu(mebibytes: int) -> int:
    """Return the MiB of the smallest GPU by its driver."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    if visible := os.environ.get("CUDA_VISIBLE_DEVICES"):
        command.append(f"--id={visible}")
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return min(int(line) for line in output.split())
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise _no_gpu(mebibytes) from error


def _several_machines(found: str) -> ConfigError:
    return ConfigError(
        f"devices 'all' are those of one machine, and {found}: Keras's fit does not train on "
        "several machines. Train without it."
    )


def _no_gpu(mebibytes: int) -> ConfigError:
    return ConfigError(
        f"There is no GPU here whose memory could be limited to {mebibytes} MiB. Leave the limit "
        "out."
    )
