"""Memory and time of a training step, with and without gradient checkpointing."""

import functools
import math
import time
from typing import Any

from fashion_zoo import registry
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.experiments.experiment import Row
from recipes._processes import answer_of, mebibytes
from recipes.experiments._figures import Panel, Point, by_row
from recipes.experiments._units import POWERS

DEPTHS, WIDTHS = (4, 8, 16), (256, 1024)
BATCH, FIRST = 8192, 8  # images of a step, and of the step before, whose memory is not counted
STEPS = 2  # timed, of which the faster one counts
LONGER = math.log10(4 / 3)  # of a step with one forward pass more, a third of its work
SHAPES = {f"{depth} x {width}": (depth, width) for width in WIDTHS for depth in DEPTHS}
WITH = ", checkpointing"


def measure(
    depth: int, width: int, again: bool, seed: int, data: Dataset, batch: int = BATCH
) -> Row:
    """Measure steps in a process of their own."""
    changes = {
        "seed": seed,
        "model": {"hidden_units": [width] * depth},
        "training": {"checkpointing": again},
    }
    images, labels = (part[:batch] for part in data.train)
    what = f"measurement of {depth} x {width}"
    return answer_of(what, figures_of, changes, images, labels)


def figures_of(changes: Row, images: Any, labels: Any) -> dict[str, float]:
    """Return what steps of these images take in memory and time, and the loss after them."""
    import keras

    from fashion_zoo.training.fit import build_model, compile_model
    from fashion_zoo.training.plan import plan

    entry = registry.recipe("baseline_mlp")
    config = override(entry.config, changes)
    planned = plan(config, 10 * [len(images)])
    model = build_model(entry, config.model, planned)
    compile_model(model, planned, steps_per_execution=1)
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
    step = min(seconds)
    return {"memory": memory, "step": step, "log10_of_the_seconds": math.log10(step), "loss": loss}


def arms(batch: int = BATCH) -> list[Arm]:
    """Return those of each shape, of which the one with checkpointing has no row of its own."""
    found = []
    for name, (depth, width) in SHAPES.items():
        for one, again in ((name, False), (f"{name}{WITH}", True)):
            program = functools.partial(measure, depth, width, again, batch=batch)
            found.append(Arm(one, program=program, shown=not again))
    return found


def _pair(header: str, column: columns.Column) -> list[columns.Column]:
    """Return the columns without and with checkpointing."""
    return [
        column._replace(header=header),
        column._replace(
            header=f"{header}{WITH}", cell=lambda measured, arm: _again(column, measured, arm)
        ),
    ]


def _again(column: columns.Column, measured: Measured, arm: str) -> str | None:
    other = f"{arm}{WITH}"
    return column.cell(measured, other) if other in measured.by_arm else None


def _ratio(measured: Measured, arm: str) -> str | None:
    """Return the mean of the ratios of the seeds, with its interval."""
    powers = measured.paired(f"{arm}{WITH}", arm, "log10_of_the_seconds")
    if not powers:
        return None
    return columns.mean([10**one for one in powers], ".2f", bounds=POSITIVE)


POINTS = {
    **{name: Point("activations kept", name) for name in SHAPES},
    **{f"{name}{WITH}": Point("with checkpointing", name) for name in SHAPES},
}
MEMORY: dict[str, Any] = {"metric": "memory", "unit": "MiB", "scale": 1, "form": ".0f"}
STEP: dict[str, Any] = {**POWERS, "metric": "log10_of_the_seconds", "form": ".3f", "least": -LONGER}
EXPERIMENT = Experiment(
    name="memory",
    question="What does gradient checkpointing save, and what does it cost?",
    arms=arms(),
    settings={"data": {"limit": 10_000}},
    claims=[
        *(
            Claim(
                f"{name}{WITH}",
                name,
                direction="lower",
                text=f"{name}: a step takes less memory with gradient checkpointing.",
                **MEMORY,
                number="C24",
            )
            for name in SHAPES
        ),
        *(
            Claim(
                f"{name}{WITH}",
                name,
                direction="lower",
                text=f"{name}: a step takes less than a third longer with it.",
                **STEP,
                number="C24",
            )
            for name in SHAPES
        ),
    ],
    columns=[
        columns.name("layers x units", code=lambda arm: False),
        *_pair("MiB", columns.value("", "memory", ".0f", POSITIVE, right=True)),
        *_pair("seconds of a step", columns.value("", "step", ".2f", POSITIVE, right=True)),
        columns.Column("times", _ratio, right=True),
        *_pair("loss", columns.number("", "loss", ".6f")),
    ],
    note=f"`baseline_mlp` in float32, batches of {BATCH:,} images. Memory is the peak of steps of "
    f"{BATCH:,} images above that of a step of {FIRST}, which has weights, gradients and optimizer "
    f"as well. Of {STEPS} steps the faster one counts; a third longer is {LONGER:.3f} powers of "
    "ten. The loss is that after the steps, of their images. One process per measurement. Mean "
    "over {seeds} with {interval}; of memory, seconds and ratios on the logarithmic scale, ratios "
    "paired by seed. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 1_000}}, arms=arms(batch=500)),
    page="docs/memory.md",
    figure=by_row(
        POINTS,
        "Gradient checkpointing",
        "Memory and time of a step of baseline_mlp, by layers and units.",
        Panel("memory", "memory, MiB", bounds=POSITIVE),
        Panel("log10_of_the_seconds", "seconds of a step, power of ten"),
    ),
)
