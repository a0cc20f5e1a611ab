"""Scheduled dropout rates against the best constant rate."""

from typing import Any

from fashion_zoo import experiments, storage
from fashion_zoo.data import Images
from fashion_zoo.evaluation.metrics import Predictions
from fashion_zoo.evaluation.metrics.nll import nll
from fashion_zoo.evaluation.predict import logits_of
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, columns
from fashion_zoo.registry import list_recipes
from fashion_zoo.runs import Run
from recipes.experiments._figures import ACCURACY, Panel, Point, by_row
from recipes.experiments._looking import loaded


def gap(run: Run) -> float:
    """Return validation loss minus training loss of the saved model, and keep both in the run."""
    file = run.path / "gap.json"
    if not file.is_file():
        dataset, model = loaded(run.config.data), run.load_model()
        losses = {
            "training_loss": loss_of(model, dataset.train),
            "validation_loss": loss_of(model, dataset.validation),
        }
        storage.write_json(file, losses)
    stored = run.read_json(file.name)
    return stored["validation_loss"] - stored["training_loss"]


def loss_of(model: Any, data: Images) -> float:
    """Return the mean cross-entropy, without dropout."""
    return nll(Predictions(logits_of(model, data.images), data.labels, ()))


def best_constant(measured: Measured) -> str | None:
    """Return the constant rate with the best mean validation accuracy; not by the test set."""
    return measured.best("validation_accuracy", [arm.name for arm in CONSTANT])


def _scheduled(schedule: str) -> dict[str, Any]:
    """Return the changes for a schedule with the mean rate 0.2."""
    return {"model": {"dropout": 0.4}, "training": {"schedules": {"dropout": schedule}}}


CONSTANT = [
    Arm(f"constant {rate:g}", changes={"model": {"dropout": rate}})
    for rate in (0.0, 0.1, 0.2, 0.3, 0.4)
]
CHANGING = [
    Arm("falling 0.4 to 0", changes=_scheduled("linear")),
    Arm("rising 0 to 0.4", changes=_scheduled("linear(0, 1)")),
    Arm("adaptive_dropout_mlp", "adaptive_dropout_mlp"),
    Arm(
        "AdaptiveDropout from 0.2",
        changes={"training": {"adaptive_dropout": {"enabled": True}}},
    ),
]
EXPERIMENT = Experiment(
    name="dropout",
    question="Do scheduled dropout rates improve on the best constant rate?",
    arms=[*CONSTANT, *CHANGING],
    claims=[
        Claim(CHANGING[0].name, best_constant, number="C16"),
        *(Claim(arm.name, best_constant) for arm in CHANGING[1:]),
        Claim("falling 0.4 to 0", "rising 0 to 0.4", number="C16"),
    ],
    metrics=(experiments.validation_accuracy, experiments.test_accuracy, gap),
    columns=[
        columns.name("dropout", code=lambda arm: arm in list_recipes()),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.value("gap", "gap", "+.3f"),
        columns.against(
            "test accuracy against the best constant rate",
            "test_accuracy",
            best_constant,
            write=lambda differences: f"{columns.points(differences)} points",
            itself="it is the best",
        ),
        columns.against(
            "gap against it",
            "gap",
            best_constant,
            write=lambda differences: columns.mean(differences, "+.3f"),
            itself="",
        ),
    ],
    note="`bn_mlp` and `adaptive_dropout_mlp` with their other defaults, on all images for 20 "
    "epochs. Mean over {seeds} with {interval}; it is the interval for these images. The gap is "
    "validation loss minus training loss of the final weights, both without dropout. Differences "
    "are paired by seed. The best constant rate is the one with the highest mean validation "
    "accuracy. {machine} `{command}` reproduces the table.",
    seeds=5,
    page="docs/dropout.md",
    figure=by_row(
        {arm.name: Point("", arm.name) for arm in (*CONSTANT, *CHANGING)},
        "Dropout schedules",
        "Test accuracy, and validation loss minus training loss without dropout.",
        ACCURACY,
        Panel("gap", "gap, nats"),
    ),
)
