"""ReLU against sigmoid and tanh by depth: what is reached, and how far the gradient reaches."""

from typing import Any

from fashion_zoo import experiments
from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from recipes.experiments._figures import ACCURACY, Panel, Point, by_number
from recipes.experiments._looking import AFTER, BEFORE, gradient_ratios
from recipes.experiments._units import POWERS

ACTIVATIONS = ("relu", "tanh", "sigmoid")
DEPTHS = (2, 5, 10, 20)
WIDTH = 128
POINTS = {
    f"{activation}, {depth} layers": Point(activation, depth)
    for depth in DEPTHS
    for activation in ACTIVATIONS
}
TENTHS: dict[str, Any] = {**POWERS, "form": ".1f"}


def _arm(name: str, point: Point) -> Arm:
    model = {"hidden_units": (WIDTH,) * point.at, "activation": point.series}
    return Arm(name, "baseline_mlp", {"model": model})


EXPERIMENT = Experiment(
    name="saturation",
    question="How deep can a network of ReLU, tanh or sigmoid be?",
    arms=[_arm(name, point) for name, point in POINTS.items()],
    settings={"data": {"limit": 20_000}, "training": {"epochs": 10}},
    metrics=(*experiments.METRICS, gradient_ratios),
    claims=[
        Claim(
            "sigmoid, 10 layers", "relu, 10 layers", BEFORE, "lower", least=1, **TENTHS,
            text="Before training, the gradient behind ten sigmoid layers is less than a tenth of "
            "that behind ten of ReLU.",
            number="C12",
        ),
        Claim(
            "tanh, 10 layers", "relu, 10 layers", BEFORE, "lower", **TENTHS,
            text="Before training, the gradient behind ten layers of tanh is smaller than behind "
            "ten of ReLU.",
            number="C12",
        ),
        Claim(
            "tanh, 20 layers", "relu, 20 layers", BEFORE, "lower", least=1, **TENTHS,
            text="Before training, the gradient behind twenty layers of tanh is less than a tenth "
            "of that behind twenty of ReLU.",
            number="C12",
        ),
        Claim(
            "sigmoid, 2 layers", "relu, 2 layers", least=-0.01,
            text="In two layers sigmoid is as good as ReLU.",
        ),
        Claim(
            "sigmoid, 10 layers", "relu, 10 layers", direction="lower", least=0.01,
            text="In ten layers sigmoid is worse.",
            number="C12",
        ),
        Claim(
            "tanh, 20 layers", "relu, 20 layers", direction="lower", least=0.01,
            text="In twenty layers tanh is worse.",
            number="C12",
        ),
    ],
    columns=[
        columns.Column("activation", lambda measured, arm: f"`{POINTS[arm].series}`"),
        columns.Column("hidden layers", lambda measured, arm: str(POINTS[arm].at), right=True),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.value("log10 of gradient at layer 1 / at logits, untrained", BEFORE, ".1f"),
        columns.value("the same, trained", AFTER, ".1f"),
    ],
    note=f"`baseline_mlp`, which has no normalization, with layers of {WIDTH} units and the "
    "initializer that fits each activation; 20,000 images, 10 epochs. The gradient with respect to "
    "the outputs of the first layer over that with respect to the logits, by their norms, as a "
    "power of ten: -3 is a thousandth, and -12 stands for less as well. Mean over {seeds} with "
    "{interval}; it is the interval for these images. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 1_000}, "training": {"epochs": 1}}),
    page="docs/claims/saturation.md",
    figure=by_number(
        POINTS,
        [ACCURACY, Panel(BEFORE, "log10 of gradient\nat layer 1 / at logits")],
        "hidden layers",
        "ReLU, tanh and sigmoid by depth",
        "Above what is reached, below the gradient at the first layer over that at the logits, "
        "before training.",
    ),
)  # fmt: skip
