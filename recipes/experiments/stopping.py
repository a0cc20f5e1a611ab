"""Early stopping by the validation loss, against the end of the schedule."""

from typing import Any

from fashion_zoo import experiments
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from fashion_zoo.runs import Run
from recipes.experiments._figures import ACCURACY, Panel, Point, by_row

STOPPED = {"monitor": "loss", "patience": 7, "min_delta": 0.001}
CONSTANT = {"learning_rate": "constant"}
ARMS: dict[str, dict[str, Any]] = {
    "one-cycle, to its end": {},
    "one-cycle, stopped": {"early_stopping": STOPPED},
    "constant, to its end": {"schedules": CONSTANT},
    "constant, stopped": {"schedules": CONSTANT, "early_stopping": STOPPED},
}
POINTS = {name: Point("", name) for name in ARMS}


def number_of_epochs(run: Run) -> float:
    """Return the number of epochs trained."""
    return float(run.read_json("training.json")["epochs"])


EXPERIMENT = Experiment(
    name="stopping",
    question="What does early stopping cost and save?",
    arms=[Arm(name, changes={"training": training}) for name, training in ARMS.items()],
    settings={"data": {"limit": 20_000}, "training": {"epochs": 40}},
    metrics=(*experiments.METRICS, number_of_epochs),
    claims=[
        Claim(
            "one-cycle, stopped",
            "one-cycle, to its end",
            least=-0.003,
            text="Stopped early, one-cycle loses less than 0.3 points.",
            number="C23",
        ),
        Claim(
            "constant, stopped",
            "constant, to its end",
            least=-0.003,
            text="Stopped early, a constant rate loses less than 0.3 points.",
            number="C23",
        ),
        Claim(
            "one-cycle, to its end",
            "constant, stopped",
            text="One-cycle to its end is better than a constant rate that stops in time.",
        ),
        Claim(
            "one-cycle, stopped",
            "one-cycle, to its end",
            "number_of_epochs",
            "lower",
            least=5,
            unit="epochs",
            scale=1,
            form=".1f",
            text="Stopped early, one-cycle saves more than 5 of 40 epochs.",
            number="C23",
        ),
    ],
    columns=[
        columns.name("training", code=lambda arm: False),
        columns.number("epochs", "number_of_epochs", ".1f"),
        columns.seconds(),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points against one-cycle", "test_accuracy", "one-cycle, to its end"),
    ],
    note="`bn_mlp` with its other defaults; 20,000 images, at most 40 epochs. Stopped after 7 "
    "epochs in which the validation loss did not fall by 0.001, with the weights of the best "
    "epoch. Mean over {seeds} with {interval}; it is the interval for these images. {machine} "
    "`{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 10}}),
    page="docs/claims/stopping.md",
    figure=by_row(
        POINTS,
        "Early stopping",
        "Above the epochs that were trained, below the test accuracy.",
        Panel("number_of_epochs", "epochs", bounds=POSITIVE),
        ACCURACY,
    ),
)
