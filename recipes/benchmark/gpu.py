"""Training on a GPU with jax: its speed in large batches, and whether it repeats bit for bit."""

import functools
import hashlib
import operator
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import registry
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.errors import ConfigError
from fashion_zoo.experiments import page as pages
from fashion_zoo.experiments.experiment import Row
from recipes._processes import answer_of
from recipes.benchmark.program import Program, pivot

EPOCHS = {256: 20, 512: 4, 4096: 4}  # batch size to epochs; all of them for the recipe's own
REPEATED = 8  # epochs
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


def measure(**changes: Any) -> Iterator[Row]:
    """Measure speed and repetition, with ``changes`` of every config for a quick look."""
    import keras

    if keras.backend.backend() != "jax":
        raise ConfigError(
            f"benchmark gpu measures jax, and the backend is {keras.backend.backend()}. Set "
            "KERAS_BACKEND=jax."
        )
    yield from measure_training(changes)
    yield from measure_repeats(changes)


def measure_training(changes: Mapping[str, Any]) -> Iterator[Row]:
    """Train ``bn_mlp`` in batches of several sizes, each in a process of its own."""
    for batch, epochs in EPOCHS.items():
        found = _train({"batch_size": batch, "epochs": epochs}, changes)
        later = found["images_per_second"][1:]
        for name, value, unit in (
            ("epochs", epochs, "epochs"),
            ("first epoch", found["first_epoch"], "s"),
            ("median", statistics.median(later), "images/s"),
            ("best", max(later), "images/s"),
        ):
            row: Row = {"table": "training", "setting": f"batch {batch}", "measure": name}
            yield {**row, "value": value, "unit": unit}


def measure_repeats(changes: Mapping[str, Any]) -> Iterator[Row]:
    """Train ``bn_mlp`` twice with the same seed, with and without XLA's deterministic kernels."""
    for flags in ("", DETERMINISTIC):
        first, second = (_train({"epochs": REPEATED}, changes, XLA_FLAGS=flags) for _ in range(2))
        row: Row = {"table": "repeats", "setting": flags or "not set", "measure": "equal"}
        same = float(first["variables"] == second["variables"])
        yield {**row, "value": same, "unit": "0 or 1"}


def _train(
    training: Mapping[str, Any], changes: Mapping[str, Any], **environ: str
) -> dict[str, Any]:
    """Return the figures of a training in a process with these environment variables."""
    overrides = ({"precision": "mixed_bfloat16"}, changes, {"training": training})
    environ = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **environ}
    return answer_of("training", figures_of, *overrides, **environ)


def figures_of(*changes: Mapping[str, Any]) -> dict[str, Any]:
    """Train ``bn_mlp`` with these changes, and return its figures."""
    from fashion_zoo.show.progress import TrainingDisplay
    from fashion_zoo.training import checkpoint
    from fashion_zoo.training.session import train_once

    entry = registry.recipe("bn_mlp")
    config = functools.reduce(override, changes, entry.config)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        run = train_once(entry, config, path, TrainingDisplay(False), load(config.data))
        rows = pages.read_rows(path / "timing.csv")
        digest = hashlib.sha256()
        for array in checkpoint.parse(run.load_checkpoint() or b"").variables:
            digest.update(array.tobytes())
    return {
        "first_epoch": rows[0]["seconds"],
        "images_per_second": [row["images_per_second"] for row in rows],
        "variables": digest.hexdigest(),
    }


def _two_digits(row: Row) -> str:  # a single training is no more precise
    return f"{float(format(row['value'], '.2g')):,.0f}"


TRAINING = pivot(
    {"setting": operator.itemgetter("setting")},
    {
        "epochs": ("epochs", lambda row: f"{row['value']:.0f}"),
        "first epoch, with compiling": ("first epoch", lambda row: f"{row['value']:.2g} s"),
        "images per second, median": ("median", _two_digits),
        "best": ("best", _two_digits),
    },
)
HEADER = "weights and optimizer of two trainings"
REPEATS = pivot(
    {"`XLA_FLAGS`": lambda row: f"`{row['setting']}`"},
    {HEADER: ("equal", lambda row: "equal" if row["value"] else "differ")},
    right=False,
)
PROGRAM = Program(
    page="docs/gpu.md",
    tables={"training": TRAINING, "repeats": REPEATS},
    note=lambda rows, machine: (
        f"One training per row. {machine} `python -m recipes.benchmark gpu`, with "
        "`KERAS_BACKEND=jax`, reproduces the table."
    ),
    measure=measure,
    takes=("page",),
    resumes=False,
)
