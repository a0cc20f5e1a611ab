"""When and by how much the learning rate should step down: a grid."""

from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from recipes.experiments._figures import ACCURACY, Point, by_number

EVERY = {"1/10": 1 / 10, "1/5": 1 / 5, "1/3": 1 / 3, "1/2": 1 / 2, "2/3": 2 / 3}
FACTORS = (0.02, 0.1, 0.5, 0.8)
CONSTANT = "constant"
ADVISED = {(factor, every) for factor in (0.1, 0.5) for every in ("1/3", "1/2")}
POINTS = {
    f"{factor:g} every {every}": Point(f"times {factor:g}", place)
    for every, place in EVERY.items()
    for factor in FACTORS
}
ALL = {**POINTS, CONSTANT: Point(CONSTANT, 1.0)}
INSIDE = [f"{factor:g} every {every}" for factor, every in sorted(ADVISED)]


def best_other(measured: Measured) -> str | None:
    """Return the best of the others by validation accuracy; not by the test images."""
    return measured.best("validation_accuracy", [name for name in ALL if name not in INSIDE])


def _arm(name: str) -> Arm:
    factor, _, every = name.partition(" every ")
    schedule = f"step({factor}, every={every})" if every else CONSTANT
    return Arm(
        name,
        changes={"training": {"schedules": {"learning_rate": schedule}}},
    )


EXPERIMENT = Experiment(
    name="step_decay",
    question="After how many epochs should the learning rate step down, and by how much?",
    arms=[_arm(name) for name in ALL],
    settings={"data": {"limit": 20_000}, "training": {"epochs": 12}},
    claims=[
        *(
            Claim(
                name,
                best_other,
                least=-0.002,
                text=f"{name} is as good as the best that is not advised, within 0.2 points.",
                number="C19",
            )
            for name in INSIDE
        ),
        Claim(
            "0.1 every 1/3",
            CONSTANT,
            text="A rate that steps down is better than one that stays.",
        ),
    ],
    columns=[
        columns.name("learning rate", code=lambda arm: False),
        columns.Column("advised", lambda measured, arm: "yes" if arm in INSIDE else ""),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points against constant", "test_accuracy", CONSTANT),
    ],
    note="`bn_mlp` with its other defaults, from its learning rate down; 20,000 images, 12 epochs. "
    "`0.1 every 1/3` multiplies the rate by 0.1 after each third of the training. Advised are "
    "factors of 0.1 to 0.5 every third or half. The best other is the one with the highest mean "
    "validation accuracy. Mean over {seeds} with {interval}; it is the interval for these images. "
    "{machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 1}}),
    page="docs/claims/step_decay.md",
    figure=by_number(
        ALL,
        [ACCURACY],
        "a step after every such part of the training, 1: none",
        "Steps of the learning rate",
        "Test accuracy by when the learning rate is multiplied, and by what.",
    ),
)
