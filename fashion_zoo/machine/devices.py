"""Devices: what a process may take of them, and what it gives back."""

import contextlib
import ctypes
import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import checked

_INSIDE: list[int] = []  # the thread of each block of ``releasing`` that has not ended


@checked
def limit_gpu_memory(mebibytes: int) -> None:
    """Let this process take so much of a GPU's memory and no more, so that several share it.

    Call it before anything is computed: memory is taken when the device wakes.

    Args:
        mebibytes: MiB of each GPU that this process sees.

    Raises:
        ConfigError: there is no GPU, or TensorFlow has woken it already.
    """
    import keras

    checks.whole("gpu_memory", mebibytes, 1)
    if keras.backend.backend() == "jax":
        # jax takes a share, and reads it when it wakes the device.
        share = min(mebibytes / _smallest_gpu(mebibytes), 1.0)
        os.environ["XLA_CLIENT_MEM_FRACTION"] = f"{share:.4f}"
        # Its older name: beside the other one, jaxlib gives the GPU up.
        os.environ.pop("XLA_PYTHON_CLIENT_MEM_FRACTION", None)
        return
    if keras.backend.backend() == "torch":
        import torch

        share = min(mebibytes / _smallest_gpu(mebibytes), 1.0)
        for gpu in range(torch.cuda.device_count()):
            torch.cuda.set_per_process_memory_fraction(share, gpu)
        return
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
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
    """Return how many cores this process may use: of its job, its container and its affinity."""
    import joblib

    return joblib.cpu_count()


def gpu_is_lost() -> bool:
    """Whether a GPU of NVIDIA's is here that Keras, woken, does not compute on.

    Not where the user has hidden it. A driver or a library that does not fit is said in the log of
    the backend alone, which then goes on with the CPU.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if hidden or not os.path.exists("/dev/nvidiactl") or platforms.split(",")[0] == "cpu":
        return False
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return jax.devices()[0].platform == "cpu"
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return not tf.config.list_physical_devices("GPU")
    if keras.backend.backend() == "torch":
        import torch

        return not torch.cuda.is_available()
    return False


def check_eager(*, scope: bool = True) -> None:
    """Refuse to begin where TensorFlow would compute nothing now, or on a strategy's devices.

    Args:
        scope: whether to refuse the scope of a ``tf.distribute`` strategy as well.

    Raises:
        ConfigError: the call is inside a ``tf.function``, a ``tf.Graph`` or such a scope.
    """
    tf = sys.modules.get("tensorflow")  # who is inside of these has loaded it
    keras = sys.modules.get("keras")
    if tf is None or not hasattr(tf, "executing_eagerly"):  # or is still being loaded
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
            f"fashion_zoo was called inside the scope of a {name}, but trains and predicts on one "
            "device. Call it outside, or get a model inside and call its own fit."
        )


@contextlib.contextmanager
def releasing() -> Iterator[None]:
    """Give the memory of the models that are made in the block back when it ends.

    TensorFlow's warning that a function is traced again and again is left out meanwhile: a process
    with several models traces several graphs.

    TensorFlow registers the gradient of every custom gradient that it traces for as long as the
    process lives, and that gradient holds the whole graph: swish has one, and so has an optimizer's
    sum over replicas. It also keeps what it compiled for every graph. Keras's ``clear_session``
    leaves the gradients, and would take a caller's dtype policy and distribution with it. While
    another thread is in such a block too, nothing is given back: what was registered meanwhile may
    be that thread's.

    Raises:
        ConfigError: as ``check_eager``.
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
        # Others belong to modules, which stay.
        new = [name for name in set(known) - before if name.startswith("CustomGradient-")]
        for name in new if alone else ():
            del known[name]
        gc.collect()
        if new and alone:  # something was trained: a prediction leaves the caller's graphs alone
            _clear_kernels()
        _trim()


def _clear_kernels() -> None:
    """Let TensorFlow forget what it compiled for graphs that are gone, as ``clear_session`` does.

    A graph that is still there is compiled again at its next call.
    """
    context = sys.modules.get("tensorflow.python.eager.context")
    if context is not None and (woken := context.context_safe()) is not None:
        woken.clear_kernel_cache()


def _trim() -> None:
    """Give the system back what the C library keeps of freed memory, where that is glibc."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class _NoRetracing(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()


def _custom_gradients() -> dict[str, Any]:
    """Return the registered gradients by name; they have no public place.

    TensorFlow is not loaded for it: what is called in the block may refuse before it is needed.
    """
    ops = sys.modules.get("tensorflow.python.framework.ops")
    return {} if ops is None else ops.gradient_registry._registry


def _smallest_gpu(mebibytes: int) -> int:
    """Return the MiB of the smallest GPU, as its driver tells."""
    question = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    if visible := os.environ.get("CUDA_VISIBLE_DEVICES"):
        question.append(f"--id={visible}")
    try:
        said = subprocess.run(question, capture_output=True, text=True, check=True).stdout
        return min(int(line) for line in said.split())
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise _no_gpu(mebibytes) from error


def _no_gpu(mebibytes: int) -> ConfigError:
    return ConfigError(
        f"There is no GPU here whose memory could be limited to {mebibytes} MiB. Leave the limit "
        "out."
    )
