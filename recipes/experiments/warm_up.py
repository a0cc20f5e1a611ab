"""RAdam against Adam, with and without a warm-up."""

from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from recipes.experiments._figures import Point, by_row

RATES = (0.001, 0.003, 0.01)
SCHEDULES = {"without warm-up": "cosine", "with warm-up": "warmup(0.1) >> cosine"}
POINTS = {
    f"{optimizer}, {rate:g}, {title}": Point(optimizer, f"{rate:g}, {title}")
    for title in SCHEDULES
    for rate in RATES
    for optimizer in ("adam", "radam")
}


def _arm(name: str) -> Arm:
    optimizer, rate, title = name.split(", ")
    training = {
        "optimizer": optimizer,
        "learning_rate": float(rate),
        "schedules": {"learning_rate": SCHEDULES[title]},
    }
    return Arm(name, "baseline_mlp", {"training": training})


EXPERIMENT = Experiment(
    name="warm_up",
    question="Does RAdam help where there is no warm-up?",
    arms=[_arm(name) for name in POINTS],
    settings={"data": {"limit": 20_000}, "training": {"epochs": 15}},
    claims=[
        Claim(
            f"radam, {rate:g}, without warm-up",
            f"adam, {rate:g}, without warm-up",
            text=f"RAdam helps without warm-up at a rate of {rate:g}.",
            number="C30",
        )
        for rate in RATES
    ],
    columns=[
        columns.Column("optimizer", lambda measured, arm: f"`{POINTS[arm].series}`"),
        columns.part("learning rate", 1, right=True),
        columns.part("schedule", 2),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
    ],
    note="`baseline_mlp`, 20,000 images, 15 epochs of a cosine schedule, of which the first tenth "
    "is a warm-up or not. Mean over {seeds} with {interval}; it is the interval for these images. "
    "{machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 1}}),
    page="docs/claims/warm_up.md",
    figure=by_row(POINTS, "RAdam and warm-up", "Test accuracy by learning rate."),
)
