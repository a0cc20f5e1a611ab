"""Spectral normalization against its absence."""

from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from recipes.experiments._figures import Point, by_row

RECIPES = ("baseline_mlp", "bn_mlp")
POINTS = {
    f"{recipe}, {word}": Point(word, recipe) for recipe in RECIPES for word in ("plain", "spectral")
}


def _arm(name: str, point: Point) -> Arm:
    model = {"spectral_normalization": point.series == "spectral"}
    return Arm(name, point.at, {"model": model})


EXPERIMENT = Experiment(
    name="spectral",
    question="Does spectral normalization help?",
    arms=[_arm(name, point) for name, point in POINTS.items()],
    settings={"data": {"limit": 20_000}, "training": {"epochs": 15}},
    claims=[
        Claim(
            f"{recipe}, spectral",
            f"{recipe}, plain",
            text=f"Spectral normalization helps `{recipe}`.",
            number="C28",
        )
        for recipe in RECIPES
    ],
    columns=[
        columns.Column("recipe", lambda measured, arm: f"`{POINTS[arm].at}`"),
        columns.Column("kernels", lambda measured, arm: POINTS[arm].series),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.seconds(),
    ],
    note="`baseline_mlp` and `bn_mlp` with their other defaults, 20,000 images, 15 epochs. Mean "
    "over {seeds} with {interval}; it is the interval for these images. {machine} `{command}` "
    "reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 1}}),
    page="docs/claims/spectral.md",
    figure=by_row(POINTS, "Spectral normalization", "Test accuracy with plain kernels and others."),
)
