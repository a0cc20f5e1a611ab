"""Dropout rates that fall with depth, against rising and constant ones."""

from fashion_zoo.experiments import Arm, Claim, Experiment, columns
from recipes.experiments._figures import Point, by_row

RATES = {
    "falling": (0.3, 0.2, 0.1),
    "constant": (0.2, 0.2, 0.2),
    "rising": (0.1, 0.2, 0.3),
    "none": (0.0, 0.0, 0.0),
}
EXPERIMENT = Experiment(
    name="dropout_depth",
    question="Should dropout be high near the input and low near the output?",
    arms=[Arm(name, changes={"model": {"dropout": rates}}) for name, rates in RATES.items()],
    settings={"model": {"hidden_units": (512, 256, 128)}},
    claims=[
        Claim("falling", "rising", text="Falling rates are better than rising ones.", number="C15"),
        Claim(
            "falling",
            "constant",
            text="Falling rates are better than a constant one.",
            number="C15",
        ),
        Claim("falling", "none", text="Falling rates are better than no dropout."),
    ],
    columns=[
        columns.name("dropout by depth", code=lambda arm: False),
        columns.Column("rates", lambda measured, arm: ", ".join(map(str, RATES[arm]))),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points against constant", "test_accuracy", "constant"),
    ],
    note="`bn_mlp` with layers of 512, 256 and 128 units and its other defaults, on all images for "
    "20 epochs. Mean over {seeds} with {interval}; it is the interval for these images. "
    "Differences are points of test accuracy, paired by seed. {machine} `{command}` reproduces the "
    "table.",
    seeds=5,
    page="docs/claims/dropout_depth.md",
    figure=by_row(
        {name: Point("", f"{name}: {', '.join(map(str, own))}") for name, own in RATES.items()},
        "Dropout by depth",
        "Test accuracy of bn_mlp with three hidden layers.",
    ),
)
