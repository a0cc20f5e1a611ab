"""What the experiments on the changes that the exercises suggest share: small trainings."""

from collections.abc import Sequence
from typing import Any

from fashion_zoo import experiments
from fashion_zoo.experiments import Arm, Claim, Experiment, columns
from recipes.experiments.dropout import gap

IMAGES, FEWER = 20_000, 5_000
EPOCHS = 10
FEW: dict[str, Any] = {"data": {"limit": FEWER}}
"""Changes of an arm that trains on fewer images than the others."""
COUNTS = (
    f"on {IMAGES:,} images for {EPOCHS} epochs. Fewer images are {FEWER:,}, for as many epochs, so "
    "a quarter of the steps: a verdict on fewer images is on both"
)
OVERFITTING: dict[str, Any] = {
    "metrics": (experiments.validation_accuracy, experiments.test_accuracy, gap),
    "further": [columns.value("gap", "gap", "+.3f")],
    "end": "The gap is validation loss minus training loss, both without dropout. ",
}
"""What an experiment has that measures overfitting too."""


def beyond(changed: tuple[str, str], usual: tuple[str, str]) -> dict[str, float]:
    """Return the weights of what the first of two arms gains on the second, changed minus usual."""
    return {changed[0]: 1.0, changed[1]: -1.0, usual[0]: -1.0, usual[1]: 1.0}


def changes(
    name: str,
    subject: str,
    page: str,
    arms: Sequence[Arm],
    claims: Sequence[Claim],
    what: str,
    *,
    further: Sequence[Any] = (),
    end: str = "",
    pairs: str = "seed",
    **own: Any,
) -> Experiment:
    """Return the experiment on the changes of an exercise, whose table is on the exercise's page.

    Args:
        name: the experiment of the exercise.
        subject: what the exercise is on, in words.
        page: the page of the exercise.
        arms: what is trained.
        claims: what the exercise expects of each change.
        what: the recipe and what else differs from it, the beginning of the note.
        further: columns beside the name of the arm and its accuracies.
        end: sentences of the note on these columns.
        pairs: what differences are paired by.
        own: other fields of the experiment.
    """
    accuracies = [
        columns.where_measured(columns.accuracy(metric.replace("_", " "), metric), metric)
        for metric in ("validation_accuracy", "test_accuracy")
    ]
    training = {"training": {"epochs": EPOCHS}}
    return Experiment(
        name=f"{name}_changes",
        question=f"What happens with the changes that the exercise on {subject} suggests?",
        arms=arms,
        claims=claims,
        columns=[columns.name("arm", code=lambda arm: False), *accuracies, *further],
        note=f"{what}. {end}Mean over {{seeds}} with {{interval}}; it is the interval for these "
        f"images. Differences are paired by {pairs}. {{machine}} `{{command}}` reproduces the "
        "table.",
        **{"settings": {"data": {"limit": IMAGES}, **training}, "seeds": 5, **own},
        page=page,
        mark="changes",
    )
