"""Ensembles of five seeds of ``bn_mlp`` beside the best of the five."""

import dataclasses
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset
from fashion_zoo.ensembles import ensemble
from fashion_zoo.evaluation import cost
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Experiment, columns
from fashion_zoo.registry import recipe
from fashion_zoo.runs import Run

RECIPE = "bn_mlp"
MEMBERS = 5
FOLDER = Path("runs/ensembles/members")
IMAGES = 1000
_CALLS = 20
BEST = "best member"
METHODS = {
    BEST: "greedy(1)",  # a choice of one
    "average": "average",
    "greedy": "greedy(10)",
    "soup": "soup",
    "stack": "stack",
}


def members(
    group: int, dataset: Dataset, changes: Mapping[str, Any], folder: Path = FOLDER
) -> list[Run]:
    """Return the runs of a group of seeds, of which no two groups share one.

    Those that were trained in the same environment are not trained again.
    """
    from fashion_zoo.show.progress import TrainingDisplay
    from fashion_zoo.training.session import train_once

    entry = recipe(RECIPE)
    config = dataclasses.replace(override(entry.config, changes), data=dataset.origin)
    display = TrainingDisplay("auto")
    return [
        train_once(
            entry,
            dataclasses.replace(config, seed=seed),
            folder / f"{RECIPE}-{seed}",
            display,
            dataset,
        )
        for seed in range(MEMBERS * group, MEMBERS * (group + 1))
    ]


def measure(
    method: str,
    group: int,
    dataset: Dataset,
    changes: Mapping[str, Any] | None = None,
    folder: Path = FOLDER,
) -> dict[str, Any]:
    """Return the measurements of an ensemble of a group of seeds, with a fitted temperature."""
    from fashion_zoo.evaluation import measure_test

    runs = members(group, dataset, changes or {}, folder)
    with tempfile.TemporaryDirectory() as place:
        made = ensemble(
            runs, method, to=f"{place}/ensemble", temperature=True, data=dataset, progress=False
        )
        model, part = made.load_model(), dict(made.ensemble or {})
    found = measure_test(model, dataset)
    weights = [one["weight"] for one in part["members"]]
    return {
        "validation_accuracy": part["validation_accuracy"],
        "test_accuracy": found["accuracy"]["value"],
        "nll": found["nll"],
        "ece": found["ece"],
        "temperature": part["temperature"],
        "used": sum(weight is None or weight > 0 for weight in weights),
        "parameters": part["parameters"],
        "milliseconds": milliseconds(model, dataset),
    }


def milliseconds(model: Any, dataset: Dataset) -> float:
    """Return the median time to predict a batch of 1,000 images, in milliseconds."""
    shape = (IMAGES, *model.input_shape[1:])
    images = np.resize(dataset.validation.images, shape).astype("float32")
    return round(cost.latency(model, images, _CALLS), 3)


EXPERIMENT = Experiment(
    name="ensembles",
    question="What is an ensemble of five seeds worth, and what does it cost?",
    arms=[
        Arm(name, program=functools.partial(measure, method)) for name, method in METHODS.items()
    ],
    columns=[
        columns.name("ensemble", code=lambda arm: arm != BEST),
        columns.number("members used", "used", ".1f"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("test against the best member", "test_accuracy", BEST),
        columns.number("NLL", "nll", ".4f"),
        columns.number("ECE", "ece", ".4f"),
        columns.number("parameters", "parameters", ",.0f"),
        columns.value("ms for 1,000 images", "milliseconds", ".1f", POSITIVE, right=True),
    ],
    note="A group is five seeds of `bn_mlp`, of which no two groups share one: mean over {seeds}, "
    "each of another group, with {interval}. The best member is that of the highest validation "
    "accuracy. Differences are points of test accuracy, paired by group. NLL and ECE are those of "
    "the test images, with a temperature that is fitted on the validation images, for the best "
    "member too. {machine} `{command}` reproduces the table.",
    seeds=5,
    page="docs/ensembles.md",
)
