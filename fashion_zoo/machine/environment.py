"""What a run was made on: versions, device, threads, commit."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo.language.wording import counted

_PACKAGES = ("fashion_zoo", "keras", "tensorflow", "jax", "numpy", "scikit-learn")


def describe() -> dict[str, Any]:
    """Describe this machine and this installation, ready for JSON."""
    import keras

    return {
        "versions": {"python": platform.python_version(), **_versions(keras.backend.backend())},
        "backend": keras.backend.backend(),
        "device": device_name(),
        "cores": _cores(),
        "threads": _threads(),
        "system": platform.platform(),
        "commit": commit(),
    }


def place(description: Mapping[str, Any]) -> dict[str, str]:
    """Return machine, in words, and commit: what a published row says of itself."""
    versions, backend = description["versions"], description["backend"]
    also = f", {backend} {versions.get(backend)}" if backend != "tensorflow" else ""
    return {
        "machine": f"{description['device']}, {counted(description['cores'] or 0, 'core')}, "
        f"Python {versions['python']}, Keras {versions['keras']}{also}",
        "commit": description["commit"] or "",
    }


_NO_CHANGE = ("system", "precision.asked", "precision.reason", "resumed", "after_epoch")


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs between two descriptions, and may change what a training computes.

    What the older one does not tell, such as that of an older package, is no change; a package that
    it does not name is one.
    """
    old, new = (dict(_flat(one)) for one in (before, now))
    names = [name for name in new if name in old or name.startswith("versions.")]
    names += [name for name in old if name.startswith("versions.") and name not in new]
    return [
        f"{name.removeprefix('versions.')} was {old.get(name)}, now {new.get(name)}"
        for name in names
        if name not in _NO_CHANGE and old.get(name) != new.get(name)
    ]


def _flat(description: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in description.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):  # Linux: what this process may use, not what is there
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _threads() -> dict[str, int | str | None]:
    """Return what bounds the number of threads; 0 and None leave it to the cores."""
    import keras

    threads: dict[str, int | str | None] = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        threads["intra_op"] = tf.config.threading.get_intra_op_parallelism_threads()
        threads["inter_op"] = tf.config.threading.get_inter_op_parallelism_threads()
    if keras.backend.backend() == "torch":
        import torch

        threads["intra_op"], threads["inter_op"] = (
            torch.get_num_threads(), torch.get_num_interop_threads()
        )  # fmt: skip
    return threads


def _versions(backend: str) -> dict[str, str]:
    found = {}
    # PyTorch lies beside much else that is installed, and counts only where it computes.
    for package in (*_PACKAGES, *(["torch"] if backend == "torch" else [])):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # such as jax, where the backend is tensorflow
    return found


def device_name() -> str:
    """Return the name of the GPU that Keras computes on, or else of the CPU."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            return tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
    elif keras.backend.backend() == "jax":
        import jax

        if jax.devices()[0].platform != "cpu":
            return jax.devices()[0].device_kind
    elif keras.backend.backend() == "torch":
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_name()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def commit() -> str | None:
    """Return the commit of the checkout that this package runs from.

    ``+changes`` is added where tracked Python files differ from it; the tables that a benchmark
    writes are no change of the code. None outside a checkout.
    """
    package = Path(__file__).parent
    head = _git(package, "rev-parse", "HEAD")
    if head is None or _git(package, "ls-files", "--error-unmatch", __file__) is None:
        return None  # an installed copy that merely lies inside somebody's repository
    return head + (
        "+changes" if _git(package, "status", "--porcelain", "-uno", "--", ":(top)*.py") else ""
    )


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
