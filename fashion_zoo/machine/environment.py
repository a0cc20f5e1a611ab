"""The environment of a run: versions, device, threads, commit."""

import contextlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo.language.wording import counted
from fashion_zoo.machine.devices import accelerator, cpu_information

# As the Linux kernel names them; the wider the vectors, the faster a CPU multiplies.
_INSTRUCTION_SETS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "amx_bf16": "AMX BF16",
    "asimd": "NEON",
    "sve": "SVE",
}
_PACKAGES = ("fashion_zoo", "keras", "tensorflow", "jax", "numpy", "scikit-learn")


def describe() -> dict[str, Any]:
    """Describe this machine and this installation, ready for JSON."""
    import keras

    backend = keras.backend.backend()
    return {
        "versions": {"python": platform.python_version(), **_versions(backend)},
        "backend": backend,
        "device": device_name(),
        "instructions": instruction_sets(),
        "cores": _cores(),
        "threads": _threads(backend),
        "system": platform.platform(),
        "commit": commit(),
    }


def place(description: Mapping[str, Any]) -> dict[str, str]:
    """Return machine, with the versions that compute, and commit, in words, for a published row."""
    versions, backend = description["versions"], description["backend"]
    sets = f" ({found})" if (found := description.get("instructions")) else ""
    return {
        "machine": f"{description['device']}{sets}, {counted(description['cores'] or 0, 'core')}, "
        f"Python {versions['python']}, Keras {versions['keras']}, {backend} "
        f"{versions.get(backend, 'of an unknown version')}",
        "commit": description["commit"] or "",
    }


_NO_CHANGE = ("system", "precision.asked", "precision.reason", "resumed", "after_epoch")


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the differences of two descriptions that may change what a training computes.

    A field that the older one lacks does not count, but a package does.
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
    if hasattr(os, "sched_getaffinity"):  # Linux: the cores that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _threads(backend: str) -> dict[str, int | str | None]:
    """Return the limits of the number of threads; 0 and None are no limit."""
    threads: dict[str, int | str | None] = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}
    if backend == "tensorflow":
        import tensorflow as tf

        threads["intra_op"] = tf.config.threading.get_intra_op_parallelism_threads()
        threads["inter_op"] = tf.config.threading.get_inter_op_parallelism_threads()
    if backend == "torch":
        import torch

        threads["intra_op"] = torch.get_num_threads()
        threads["inter_op"] = torch.get_num_interop_threads()
    return threads


def version_of(package: str) -> str:
    """Return the version of an installed package, or "not installed", as of a checkout."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return "not installed"


def _versions(backend: str) -> dict[str, str]:
    found = {}
    # PyTorch is often installed for other programs, and matters only as the backend.
    for package in (*_PACKAGES, *(["torch"] if backend == "torch" else [])):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def device_name() -> str:
    """Return the name of the GPU that Keras computes on, or else of the CPU."""
    if found := accelerator():
        return found.name
    for line in cpu_information().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def instruction_sets() -> str:
    """Return the vector instruction sets of the CPU; empty on a GPU, and where there is no Linux.

    Cloud machines of one name differ in them, and by a factor of two in speed.
    """
    flags = set() if accelerator() else set(cpu_information().split())
    return ", ".join(name for flag, name in _INSTRUCTION_SETS.items() if flag in flags)


def commit() -> str | None:
    """Return the commit of the checkout that this package runs from, None outside of one.

    ``+changes`` is added if tracked Python files differ from it; the tables that a benchmark
    writes do not count.
    """
    head = _git("rev-parse", "HEAD")
    if head is None or _git("ls-files", "--error-unmatch", __file__) is None:
        return None  # an installed copy inside of another repository
    return head + ("+changes" if _git("status", "--porcelain", "-uno", "--", ":(top)*.py") else "")


def _git(*arguments: str) -> str | None:
    folder = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
