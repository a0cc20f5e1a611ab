"""What the experiments on the changes that the exercises suggest share: small trainings."""

from collections.abc import Callable, Sequence
from typing import Any

from fashion_zoo import experiments
from fashion_zoo.experiments import Arm, Claim, Experiment, columns
from fashion_zoo.experiments.experiment import Column
from fashion_zoo.runs import Run
from recipes.experiments.dropout import gap

IMAGES, FEWER = 20_000, 5_000
EPOCHS = 10
FEW = {"data": {"limit": FEWER}}
"""Changes of an arm that trains on fewer images than the others."""


def beyond(changed: tuple[str, str], usual: tuple[str, str]) -> dict[str, float]:
    """Return the weights of what the first of two arms gains on the second, changed less usual."""
    return {changed[0]: 1.0, changed[1]: -1.0, usual[0]: -1.0, usual[1]: 1.0}


def accuracies() -> list[Column]:
    """Return the columns of accuracies, empty for what measures something else."""
    return [
        columns.where_measured(columns.accuracy(metric.replace("_", " "), metric), metric)
        for metric in ("validation_accuracy", "test_accuracy")
    ]


def with_gap() -> tuple[Callable[[Run], Any], ...]:
    """Return the metrics of trainings whose overfitting is measured too."""
    return (experiments.validation_accuracy, experiments.test_accuracy, gap)


def changes(
    name: str,
    subject: str,
    page: str,
    arms: Sequence[Arm],
    claims: Sequence[Claim],
    what: str,
    *others: Column,
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
        others: columns beside the name of the arm and its accuracies.
        own: other fields of the experiment.
    """
    training = {"training": {"epochs": EPOCHS}}
    return Experiment(
        name=f"{name}_changes",
        question=f"What do the changes do that the exercise on {subject} suggests?",
        arms=arms,
        claims=claims,
        columns=[columns.name("arm", code=lambda arm: False), *accuracies(), *others],
        note=f"{what}; mean over {{seeds}} with {{interval}}; it is the interval for these "
        "images. Differences are paired by seed. {machine} `{command}` reproduces the table.",
        **{"settings": {"data": {"limit": IMAGES}, **training}, "seeds": 5, **own},
        page=page,
        mark="changes",
    )
