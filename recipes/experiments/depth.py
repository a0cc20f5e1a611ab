"""Depth against width: the same number of parameters in one layer or in many."""

import itertools
import math

from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.models.mlp_config import MLPConfig
from recipes.experiments._figures import Point, by_row

TAPERING = MLPConfig().hidden_units
PIXELS, CLASSES = math.prod(MLPConfig().input_shape), MLPConfig().num_classes
LAYERS = (1, 2, 4, 8, 16)
PLAIN, NORMALIZED = "without normalization", "batch normalization"
SETTINGS = {
    PLAIN: ("baseline_mlp", {}),
    NORMALIZED: ("bn_mlp", {"dropout": 0.0}),
}


def parameters(widths: tuple[int, ...]) -> int:
    """Return the number of kernel entries and biases, F17 of the guide."""
    every = (PIXELS, *widths, CLASSES)
    return sum((before + 1) * own for before, own in itertools.pairwise(every))


def width(layers: int) -> int:
    """Return the width at which so many equal layers have the parameters of the tapering ones."""
    a, b, c = layers - 1, PIXELS + CLASSES + layers, CLASSES - parameters(TAPERING)
    exact = (math.sqrt(b**2 - 4 * a * c) - b) / (2 * a) if a else -c / b
    return round(exact)


SHAPES = {"512, 256, 128, 64": TAPERING} | {
    f"{layers} x {width(layers)}": (width(layers),) * layers for layers in LAYERS
}
POINTS = {f"{shape}, {series}": Point(series, shape) for shape in SHAPES for series in SETTINGS}


def _arm(name: str, point: Point) -> Arm:
    recipe, own = SETTINGS[point.series]
    return Arm(name, recipe, {"model": {"hidden_units": SHAPES[point.at], **own}})


def _size(measured: Measured, arm: str) -> str:
    return f"{parameters(SHAPES[POINTS[arm].at]):,}"


TAPER, SHALLOW, _, CONSTANT, _, DEEP = SHAPES
EXPERIMENT = Experiment(
    name="depth",
    question="Depth or width: which use of the same parameters is best?",
    arms=[_arm(name, point) for name, point in POINTS.items()],
    settings={"data": {"limit": 20_000}, "training": {"epochs": 15}},
    claims=[
        Claim(
            f"{TAPER}, {PLAIN}", f"{CONSTANT}, {PLAIN}",
            text="Layers that taper are better than four equal ones.",
            number="C10",
        ),
        Claim(
            f"{TAPER}, {PLAIN}", f"{SHALLOW}, {PLAIN}",
            text="Four tapering layers are better than one layer with as many parameters.",
            number="C10",
        ),
        Claim(
            f"{DEEP}, {PLAIN}", f"{TAPER}, {PLAIN}", direction="lower", least=0.01,
            text="Without normalization, a network of 16 layers trains badly.",
            number="C10",
        ),
        Claim(
            f"{DEEP}, {PLAIN}", f"{TAPER}, {PLAIN}", direction="lower", least=0.1,
            text="Without normalization, a network of 16 layers does not train.",
            number="C10",
        ),
        Claim(
            f"{DEEP}, {NORMALIZED}", f"{DEEP}, {PLAIN}",
            text="Batch normalization, with the larger rate of `bn_mlp`, helps 16 layers.",
        ),
        Claim(
            f"{TAPER}, {NORMALIZED}", f"{SHALLOW}, {NORMALIZED}",
            text="With normalization, too, four layers are better than one.",
            number="C10",
        ),
    ],
    columns=[
        columns.Column("hidden layers", lambda measured, arm: POINTS[arm].at),
        columns.Column("normalization", lambda measured, arm: POINTS[arm].series),
        columns.Column("parameters", _size, right=True),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.seconds(),
    ],
    note="`baseline_mlp`, and with batch normalization `bn_mlp` without dropout, each with its own "
    "learning rate; 20,000 images, 15 epochs. Parameters are those of kernels and biases. Mean "
    "over {seeds} with {interval}; it is the interval for these images. {machine} `{command}` "
    "reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 1_000}, "training": {"epochs": 1}}),
    page="docs/claims/depth.md",
    figure=by_row(
        POINTS,
        "Depth against width",
        "Test accuracy of networks with as many parameters, layers x width.",
    ),
)  # fmt: skip
