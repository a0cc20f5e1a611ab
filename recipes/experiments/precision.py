"""The three precisions: what they reach, what float16 skips and loses, and what they take."""

from fashion_zoo import experiments
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, columns
from fashion_zoo.runs import Run
from recipes.experiments._figures import ACCURACY, Panel, Point, by_row

PRECISIONS = {
    "float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16",
}  # fmt: skip

LEAST = 0.005  # of the test accuracy


def skipped_steps(run: Run) -> float:
    """Return the number of steps whose gradient overflowed; without loss scaling 0."""
    return float(sum(run.history().get("skipped_steps", ())))


def zero_gradients(run: Run) -> float:
    """Return the mean fraction of gradient entries that were 0, over the epochs."""
    found = run.history()["zero_gradients"]
    return float(sum(found) / len(found))


EXPERIMENT = Experiment(
    name="precision",
    question="Do 16 bits reach what 32 bits reach?",
    arms=[Arm(name, changes={"precision": word}) for name, word in PRECISIONS.items()],
    settings={"training": {"metrics": ["zero_gradients"]}},
    metrics=(*experiments.METRICS, skipped_steps, zero_gradients),
    claims=[
        Claim(
            name,
            "float32",
            direction="same",
            least=LEAST,
            text=f"The test accuracy of `{name}` is that of `float32` within half a point.",
            number="C25",
        )
        for name in PRECISIONS
        if name != "float32"
    ]
    + [
        Claim(
            name,
            "float32",
            "seconds",
            "lower",
            unit="seconds",
            scale=1,
            form=".1f",
            text=f"On this machine a training in `{name}` takes fewer seconds than in `float32`.",
        )
        for name in PRECISIONS
        if name != "float32"
    ],
    columns=[
        columns.name("precision"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.against("points against float32", "validation_accuracy", "float32"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("test points against float32", "test_accuracy", "float32"),
        columns.number("skipped steps", "skipped_steps", ".1f"),
        columns.number("gradient entries that are 0", "zero_gradients", ".2%"),
        columns.seconds(),
    ],
    note="`bn_mlp` with its other defaults, on all images for 20 epochs. Mean over {seeds} with "
    "{interval}; it is the interval for these images. Differences are points of accuracy, paired "
    "by seed. {machine} `{command}` reproduces the table.",
    seeds=5,
    page="docs/precision.md",
    figure=by_row(
        {name: Point("", name) for name in PRECISIONS},
        "Precisions",
        "Test accuracy and seconds of a training of bn_mlp.",
        ACCURACY,
        Panel("seconds", "seconds", bounds=POSITIVE),
    ),
)
