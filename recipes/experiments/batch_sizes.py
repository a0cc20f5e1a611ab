"""Batch, layer and group normalization by batch size."""

from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from recipes.experiments._figures import ACCURACY, Point, by_number

NORMALIZATIONS = {"batch": "batch", "layer": "layer", "group": "group(16)"}
SIZES = (2, 8, 32, 256)
IMAGES = 2_048  # a multiple of each size, so that every epoch has all images
POINTS = {f"{name}, {size}": Point(name, size) for size in SIZES for name in NORMALIZATIONS}


def _arm(name: str, point: Point) -> Arm:
    rate = 3e-3 * (point.at / 256) ** 0.5
    return Arm(
        name,
        changes={
            "model": {"normalization": NORMALIZATIONS[point.series]},
            "training": {"batch_size": point.at, "learning_rate": rate},
        },
    )


def _claims() -> list[Claim]:
    found = []
    for other in ("layer", "group"):
        for size in SIZES:
            small = size <= 8
            found.append(
                Claim(
                    f"batch, {size}",
                    f"{other}, {size}",
                    direction="lower" if small else "higher",
                    least=0.01 if small else -0.01,
                    text=f"With {size} images in a batch, batch normalization is "
                    f"{'worse than' if small else 'as good as'} {other} normalization.",
                    number="C14",
                )
            )
    for name in ("layer", "group"):
        found.append(
            Claim(
                f"{name}, {SIZES[0]}",
                f"{name}, {SIZES[-1]}",
                direction="same",
                least=0.01,
                text=f"With {name} normalization, {SIZES[0]} images in a batch are as good as "
                f"{SIZES[-1]}.",
                number="C14",
            )
        )
    return found


EXPERIMENT = Experiment(
    name="batch_sizes",
    question="Which normalization tolerates small batches?",
    arms=[_arm(name, point) for name, point in POINTS.items()],
    settings={
        "data": {"limit": IMAGES},
        "model": {"hidden_units": (256, 128), "dropout": 0.0},
        "training": {"epochs": 15},
    },
    claims=_claims(),
    columns=[
        columns.Column("normalization", lambda measured, arm: f"`{POINTS[arm].series}`"),
        columns.Column("batch size", lambda measured, arm: str(POINTS[arm].at), right=True),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.seconds(),
    ],
    note=f"`bn_mlp` with layers of 256 and 128 units and no dropout, {IMAGES:,} images, 15 epochs. "
    "The learning rate is 0.003 times the root of batch size / 256, the same for each "
    "normalization. Rows of one batch size compare; those of several also differ in the number of "
    "updates. Mean over {seeds} with {interval}; it is the interval for these images. {machine} "
    "`{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 256}, "training": {"epochs": 1}}),
    page="docs/claims/batch_sizes.md",
    figure=by_number(
        POINTS,
        [ACCURACY],
        "images in a batch",
        "Normalization by batch size",
        f"Test accuracy after 15 epochs of {IMAGES:,} images.",
    ),
)
