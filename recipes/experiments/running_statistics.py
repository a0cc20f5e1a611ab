"""Batch normalization's arguments: momentum, epsilon, and its place."""

from typing import Any

import numpy as np

from fashion_zoo import experiments
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.runs import Run
from recipes.experiments._figures import ACCURACY, Panel, Point, by_row
from recipes.experiments._units import NATS
from recipes.experiments.initialization import DEVIATION, relu_of_small_kernels

SMALL = relu_of_small_kernels.__name__
TINY = 0.01
"""A variance below it counts as tiny."""
ARMS: dict[str, dict[str, Any]] = {
    "momentum 0.9": {"normalization": "batch"},
    "momentum 0.5": {"normalization": "batch(momentum=0.5)"},
    "momentum 0.99": {"normalization": "batch(momentum=0.99)"},
    "momentum 0.999": {"normalization": "batch(momentum=0.999)"},
    "epsilon 0.001": {"normalization": "batch(epsilon=0.001)"},
    "epsilon 0.1": {"normalization": "batch(epsilon=0.1)"},
    "small kernels": {"activation": SMALL},
    "small kernels, epsilon 0.1": {"activation": SMALL, "normalization": "batch(epsilon=0.1)"},
    "after the activation": {"normalization_position": "after"},
    **{
        f"after the activation, epsilon {epsilon:g}": {
            "normalization_position": "after",
            "normalization": f"batch(epsilon={epsilon:g})",
        }
        for epsilon in (0.001, 0.1)
    },
}
DEFAULT = next(iter(ARMS))
FIRST, LATE = "validation_loss_after_one_epoch", "late_change_of_the_validation_loss"


def losses_and_variances(run: Run) -> Row:
    """Return the validation loss after an epoch, and its mean change over the last half of them.

    ``tiny`` is the fraction of units whose kept variance is below ``TINY``.
    """
    from fashion_zoo.layers import as_array

    losses = run.history()["val_loss"]
    late = losses[len(losses) // 2 - 1 :] if len(losses) > 2 else losses
    changes = np.abs(np.diff(late))
    layers = [one for one in run.load_model().layers if hasattr(one, "moving_variance")]
    kept = np.concatenate([as_array(one.moving_variance) for one in layers])
    return {
        FIRST: losses[0],
        LATE: float(changes.mean()) if len(changes) else 0.0,
        "tiny": float((kept < TINY).mean()),
    }


EXPERIMENT = Experiment(
    name="running_statistics",
    question="What do momentum, epsilon and place of batch normalization change?",
    arms=[Arm(name, changes={"model": model}) for name, model in ARMS.items()],
    settings={
        "data": {"limit": 20_000},
        "training": {
            "epochs": 10,
            "batch_size": 64,
            "learning_rate": 1e-3,
            "schedules": {"learning_rate": "constant"},
        },
    },
    metrics=(*experiments.METRICS, losses_and_variances),
    claims=[
        Claim(
            "momentum 0.999",
            DEFAULT,
            FIRST,
            text="A momentum of 0.999 is slow at first.",
            **NATS,
            number="C17",
        ),
        Claim(
            "momentum 0.5",
            DEFAULT,
            FIRST,
            "lower",
            text="A momentum of 0.5 is quick at first.",
            **NATS,
            number="C17",
        ),
        Claim(
            "momentum 0.5",
            DEFAULT,
            LATE,
            text="A momentum of 0.5 is noisy.",
            **NATS,
            number="C17",
        ),
        Claim(
            "momentum 0.99",
            DEFAULT,
            LATE,
            "lower",
            text="A momentum of 0.99 is steady.",
            **NATS,
            number="C17",
        ),
        Claim(
            "epsilon 0.001",
            DEFAULT,
            direction="same",
            least=0.005,
            text="An epsilon of 0.001 in place of 0.00001 does not matter.",
            number="C18",
        ),
        Claim(
            "epsilon 0.1",
            DEFAULT,
            direction="same",
            least=0.005,
            text="An epsilon of 0.1 in place of 0.00001 does not matter.",
            number="C18",
        ),
        Claim(
            "small kernels, epsilon 0.1",
            "small kernels",
            direction="lower",
            text="With small kernels, whose variances are tiny at first, an epsilon of 0.1 harms.",
            number="C18",
        ),
        *(
            Claim(
                f"after the activation, epsilon {epsilon}",
                "after the activation",
                direction="lower",
                text="Behind the activation, where many variances stay tiny, an epsilon of "
                f"{epsilon} harms.",
                number="C18",
            )
            for epsilon in ("0.001", "0.1")
        ),
        Claim(
            DEFAULT,
            "after the activation",
            text="Normalization belongs before the activation.",
            number="C13",
        ),
    ],
    columns=[
        columns.name("batch normalization", code=lambda arm: False),
        columns.value("validation loss after 1 epoch", FIRST, bounds=POSITIVE),
        columns.value("mean change of the loss, late", LATE, bounds=POSITIVE),
        columns.number(f"variances below {TINY}", "tiny", ".1%"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points against the default", "test_accuracy", DEFAULT),
    ],
    note="`bn_mlp` on 20,000 images, 10 epochs in batches of 64, at a constant learning rate of "
    "0.001, which does not calm the loss by itself. The default is a momentum of 0.9, an epsilon "
    "of 0.00001, before the activation; small kernels are normal with a standard deviation of "
    f"{DEVIATION}. Losses in nats; the change is that from epoch to epoch over the last half of "
    "them. Mean over {seeds} with {interval}, of losses on the logarithmic one; it is the interval "
    "for these images. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 2}}),
    page="docs/claims/running_statistics.md",
    figure=by_row(
        {name: Point("", name) for name in ARMS},
        "Arguments of batch normalization",
        "Above the validation loss after one epoch, below the test accuracy.",
        Panel(FIRST, "validation loss after one epoch", bounds=POSITIVE),
        ACCURACY,
    ),
)
