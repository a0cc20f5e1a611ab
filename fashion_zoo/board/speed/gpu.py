"""Training on a GPU with jax: its speed in large batches, and whether it repeats bit for bit."""

from collections.abc import Mapping, Sequence
from typing import Any

from fashion_zoo.board.speed.training import Row, measure_training, summarized
from fashion_zoo.board.speed.turns import Entry, take_turns

SETTINGS: dict[str, Mapping[str, Any]] = {
    f"batch {size}, bfloat16": {"training": {"batch_size": size}, "precision": "mixed_bfloat16"}
    for size in (256, 512, 4096)
}
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
# jax otherwise takes three quarters of the memory for the first process, and here are several.
SHARED = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def measure_gpu(rounds: int, changes: Mapping[str, Any]) -> list[Row]:
    """Train the contenders of each setting in turns; see ``measure_training``."""
    return measure_training(rounds, changes, SETTINGS, augmented="", environ=SHARED)


def measure_repeats(rounds: int, changes: Mapping[str, Any]) -> list[Row]:
    """Train ``bn_mlp`` twice with the same seed, with and without XLA's deterministic kernels.

    Returns:
        For each, after how many of the epochs, from the first, the weights were the same.
    """
    rows = []
    for flags in ("", DETERMINISTIC):
        environ = {**SHARED, "XLA_FLAGS": flags}
        entry = Entry("fashion_zoo", {"precision": "mixed_bfloat16", **changes}, environ=environ)
        done = take_turns({"first": entry, "second": entry}, rounds)
        same = [a.weights == b.weights for a, b in zip(*done.values(), strict=True)]
        equal = same.index(False) if False in same else len(same)
        unit = f"of {rounds} epochs"
        rows.append(
            summarized("repeats", flags or "not set", "fashion_zoo", "same weights", [equal], unit)
        )
    return rows


def repeats_table(rows: Sequence[Row]) -> str:
    """Return the Markdown table of what repeats."""
    lines = ["| `XLA_FLAGS` | the same weights, bit for bit |", "| --- | ---: |"]
    lines += [f"| `{row.setting}` | {row.median:.0f} {row.unit} |" for row in rows]
    return "\n".join(lines)
