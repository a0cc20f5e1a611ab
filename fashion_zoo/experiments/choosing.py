"""Experiments that choose the settings of a recipe by validation."""

from collections.abc import Mapping
from typing import Any

from fashion_zoo.experiments import columns
from fashion_zoo.experiments.experiment import Arm, Experiment

Changes = Mapping[str, Any]


def choosing(
    name: str,
    question: str,
    candidates: Mapping[str, Changes],
    *,
    recipe: str = "bn_mlp",
    settings: Changes,
    note: str,
    seeds: int = 1,
    page: str = "",
) -> Experiment:
    """Return an experiment that compares candidates with one training, each on its own.

    No test image is read. The validation images that choose among many candidates flatter the one
    that is chosen: its accuracy has to be measured with other seeds, on the test images.

    Args:
        name: name of the experiment.
        question: what is chosen, in one line.
        candidates: name to changes of the RunConfig, beside ``settings``; the first is compared
            with all others, and usually has none.
        recipe: the recipe whose settings are chosen.
        settings: changes of its RunConfig that all candidates have.
        note: what is said below the table, before its facts.
        seeds: default number of trainings per candidate, at least 1.
        page: the page with the table, if any.
    """
    first = next(iter(candidates))
    return Experiment(
        name=name,
        question=question,
        arms=[Arm(each, recipe, changes) for each, changes in candidates.items()],
        columns=[
            columns.name("candidate", code=lambda arm: False),
            columns.accuracy("validation accuracy", "validation_accuracy"),
            columns.against("points against the first", "validation_accuracy", first),
            columns.number("validation loss", "validation_loss", ".4f"),
            columns.seconds(),
        ],
        note=f"{note} {{means}}. {{machine}} `{{command}}` reproduces the table.",
        settings=settings,
        chooses=True,
        seeds=seeds,
        page=page,
    )
