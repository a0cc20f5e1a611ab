"""Memory and time of a training step, with and without gradient checkpointing."""

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo import registry
from fashion_zoo.config.overrides import override
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.storage import absolute
from recipes.benchmark.program import Program, measure_once, mebibytes, pivot

DEPTHS, WIDTHS = (4, 8, 16), (256, 1024)
BATCH, FIRST = 8192, 8  # images of a step, and of the step before, whose memory is not counted
STEPS = 2  # timed, of which the faster one counts


def measure(folder: str | Path = "runs/memory", **changes: Any) -> Iterator[Row]:
    """Train ``baseline_mlp`` of several depths and widths, each in a process of its own."""
    for width in WIDTHS:
        for depth in DEPTHS:
            for wanted in (False, True):
                own = {
                    "model": {"hidden_units": [width] * depth},
                    "training": {"checkpointing": wanted},
                }
                file = absolute(folder) / f"{depth}x{width}-{'again' if wanted else 'kept'}.json"
                found = measure_once(file, figures_of, [changes, own], BATCH)
                row: Row = {"table": "memory", "depth": depth, "width": width}
                for name, unit in (("memory", "MiB"), ("seconds", "s"), ("loss", "nats")):
                    measured = f"{name}, {'again' if wanted else 'kept'}"
                    yield {**row, "measure": measured, "value": found[name], "unit": unit}


def figures_of(changes: Sequence[Mapping[str, Any]], batch: int) -> dict[str, float]:
    """Return what steps of so many images take in memory and time, and the loss after them."""
    import keras

    from fashion_zoo.data import load
    from fashion_zoo.training.fit import build_model, compile_model
    from fashion_zoo.training.plan import plan

    entry = registry.recipe("baseline_mlp")
    config = functools.reduce(override, changes, entry.config)
    planned = plan(config, 10 * [batch])
    model = build_model(entry, config.model, planned)
    compile_model(model, planned, steps_per_execution=1)
    images, labels = (part[:batch] for part in load().train)
    model.train_on_batch(images[:FIRST], labels[:FIRST])
    before, seconds = mebibytes(), []
    for _ in range(STEPS):
        start = time.perf_counter()
        model.train_on_batch(images, labels)
        seconds.append(time.perf_counter() - start)
    memory = mebibytes() - before
    logits = model.predict_on_batch(images)
    losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    loss = float(keras.ops.convert_to_numpy(keras.ops.mean(losses)))
    return {"memory": memory, "seconds": min(seconds), "loss": loss}


def _number(digits: int) -> Any:
    return lambda row: f"{row['value']:,.{digits}f}"


TABLE = pivot(
    {
        "layers": lambda row: str(int(row["depth"])),
        "units": lambda row: f"{int(row['width']):,}",
    },
    {
        "memory": ("memory, kept", _number(0)),
        "with checkpointing": ("memory, again", _number(0)),
        "step": ("seconds, kept", _number(2)),
        "with checkpointing ": ("seconds, again", _number(2)),
        "loss": ("loss, kept", _number(6)),
        "with checkpointing  ": ("loss, again", _number(6)),
    },
)
PROGRAM = Program(
    page="docs/memory.md",
    tables={"memory": TABLE},
    note=lambda rows, machine: (
        f"`baseline_mlp` in float32, batches of {BATCH:,} images. Memory in MiB: the peak of steps "
        f"of {BATCH:,} images above that of a step of {FIRST}, which has weights, gradients and "
        "optimizer as well. Step in seconds. Loss after the steps, on their images. One process "
        f"per cell. {machine} `python -m recipes.benchmark memory` reproduces the table."
    ),
    measure=measure,
    takes=("folder", "page"),
)
