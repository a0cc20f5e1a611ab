"""Training on a GPU with jax: its speed in large batches, and whether it repeats bit for bit.

Also a program of its own: ``python -m recipes.benchmark.speed.gpu SETTINGS`` trains once and prints
its figures as JSON.
"""

import csv
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fashion_zoo import registry
from fashion_zoo.config.overrides import override
from fashion_zoo.errors import TrainingError
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training import state, train_once
from recipes.benchmark.child import last_line, program

EPOCHS = {256: 20, 512: 4, 4096: 4}  # batch size to epochs; the recipe's own batch to its end
REPEATED = 8  # epochs
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


class Figure(NamedTuple):
    """A measured figure of one training, or of two with the same seed."""

    table: str
    setting: str
    measure: str
    value: float
    unit: str


def measure_gpu(changes: Mapping[str, Any]) -> list[Figure]:
    """Train ``bn_mlp`` in batches of several sizes, each in a process of its own.

    Args:
        changes: overrides of every config, for a quick look.
    """
    rows = []
    for batch, epochs in EPOCHS.items():
        found = _train({"batch_size": batch, "epochs": epochs}, changes)
        later = found["images_per_second"][1:]
        for measure, value, unit in (
            ("epochs", epochs, "epochs"),
            ("first epoch", found["first_epoch"], "s"),
            ("median", statistics.median(later), "images/s"),
            ("best", max(later), "images/s"),
        ):
            rows.append(Figure("training", f"batch {batch}", measure, value, unit))
    return rows


def measure_repeats(changes: Mapping[str, Any]) -> list[Figure]:
    """Train ``bn_mlp`` twice with the same seed, with and without XLA's deterministic kernels."""
    rows = []
    for flags in ("", DETERMINISTIC):
        first, second = (_train({"epochs": REPEATED}, changes, XLA_FLAGS=flags) for _ in range(2))
        same = float(first["variables"] == second["variables"])
        rows.append(Figure("repeats", flags or "not set", "equal", same, "0 or 1"))
    return rows


def _train(
    training: Mapping[str, Any], changes: Mapping[str, Any], **environ: str
) -> dict[str, Any]:
    """Train once in a process with these environment variables, and return its figures."""
    both = {**changes, "training": {**changes.get("training", {}), **training}}
    command, surroundings = program(__spec__.name, {"precision": "mixed_bfloat16", **both})
    done = subprocess.run(
        command, capture_output=True, text=True, env={**surroundings, **environ}, check=False
    )
    if done.returncode:
        raise TrainingError(f"The training ended early: {last_line(done.stderr)}")
    return json.loads(done.stdout.splitlines()[-1])


def main(changes: Mapping[str, Any]) -> None:
    """Train ``bn_mlp`` with these changes and print its figures."""
    entry = registry.recipe("bn_mlp")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        run = train_once(entry, override(entry.config, changes), path, TrainingDisplay(False))
        with (path / "timing.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        digest = hashlib.sha256()
        for array in state.parse(run.load_state() or b"").variables:
            digest.update(array.tobytes())
    found = {
        "first_epoch": float(rows[0]["seconds"]),
        "images_per_second": [float(row["images_per_second"]) for row in rows],
        "variables": digest.hexdigest(),
    }
    print(json.dumps(found))


def training_table(rows: Sequence[Figure]) -> str:
    """Return the Markdown table of the speed; one training has no spread, so two digits."""
    lines = [
        "| setting | epochs | first epoch, with compiling | images a second, median | best |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    found = {(row.setting, row.measure): row.value for row in rows}
    for setting in dict.fromkeys(row.setting for row in rows):
        epochs, first, median, best = (
            found[setting, measure] for measure in ("epochs", "first epoch", "median", "best")
        )
        lines.append(
            f"| {setting} | {epochs:.0f} | {first:.2g} s | {_two(median)} | {_two(best)} |"
        )
    return "\n".join(lines)


def _two(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.0f}"


def repeats_table(rows: Sequence[Figure]) -> str:
    """Return the Markdown table of what repeats."""
    lines = ["| `XLA_FLAGS` | weights and optimizer of two trainings |", "| --- | --- |"]
    lines += [f"| `{row.setting}` | {'equal' if row.value else 'differ'} |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    main(json.loads(sys.argv[1]))
