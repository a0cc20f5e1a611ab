"""Ensembles of five members of ``bn_mlp.quick``, each beside its best member."""

import dataclasses
import functools
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo.config import RunConfig, digest
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset
from fashion_zoo.ensembles import Training, ensemble, train_members
from fashion_zoo.evaluation import cost
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from fashion_zoo.registry import recipe
from fashion_zoo.runs import Run
from fashion_zoo.show.progress import TrainingDisplay
from recipes.experiments._figures import ACCURACY, Panel, Point, by_row

RECIPE = "bn_mlp.quick"
MEMBERS = 5
FOLDER = Path("runs/ensembles/members")
ONE, SEVERAL = 1, 1000  # images
_CALLS = 20
BEST = "best of the seeds"
ARMS: dict[str, tuple[Training, str]] = {
    BEST: ("seeds", "greedy(1)"),  # a choice of one
    "average": ("seeds", "average"),
    "greedy": ("seeds", "greedy(10)"),
    "soup": ("seeds", "soup"),
    "stack": ("seeds", "stack"),
    "bagging": ("bagging", "average"),
    "boosting": ("boosting", "boost"),
    "boosting, all members": ("boosting", "boost('all')"),
    "uniform soup": ("seeds", "soup('uniform')"),
    "snapshots": ("snapshots", "average"),
    "soup of snapshots": ("snapshots", "soup"),
    "best of bagging": ("bagging", "greedy(1)"),
    "best of boosting": ("boosting", "greedy(1)"),
    "best of snapshots": ("snapshots", "greedy(1)"),
}
"""How the members are trained, and how they are combined."""
OWN = {
    name: f"best of {training}"
    for name, (training, _) in ARMS.items()
    if training != "seeds" and not name.startswith("best")
}
"""Ensemble to its own best member, where it is not the best of the seeds."""
QUICK = (BEST, "stack", "bagging", "boosting", "best of bagging", "best of boosting")
"""Those of a quick look."""
MADE = [name for name in ARMS if not name.startswith("best")]
FAR = "uniform soup"
BESIDE = ("boosting, all members", FAR)
"""Those without a claim: boosting and a soup in which validation chooses nothing."""


def members(
    training: Training,
    group: int,
    dataset: Dataset,
    changes: Mapping[str, Any],
    folder: Path = FOLDER,
    count: int = MEMBERS,
    apart: int | None = None,
    display: TrainingDisplay | None = None,
) -> list[Run]:
    """Return the runs of a group of seeds, ``count`` of them; no two groups share one.

    The first seeds of two groups are ``apart``, by default ``count``.

    Snapshots are of one run, which trains as long as all of the others together. Those that were
    trained in the same environment are not trained again. The config is in the name of their
    folder, so that no experiment replaces the runs of another one.
    """
    from fashion_zoo.training.session import train_once

    entry, shown = recipe(RECIPE), display or TrainingDisplay(False)
    config = dataclasses.replace(
        override(entry.config, changes), data=dataset.origin, seed=(apart or count) * group
    )
    if training == "snapshots":
        epochs = count * config.training.epochs
        config = override(config, {"training": {"epochs": epochs}})

    def train(wanted: RunConfig, path: Path) -> Run:
        return train_once(entry, wanted, path, shown, dataset)

    place = folder / f"{training}-{group}-{digest.of(config)}"
    return train_members(training, config, count, place, dataset, train)


def measure(
    made: tuple[Training, str],
    group: int,
    dataset: Dataset,
    changes: Mapping[str, Any] | None = None,
    folder: Path = FOLDER,
    count: int = MEMBERS,
    apart: int | None = None,
    display: TrainingDisplay | None = None,
) -> dict[str, Any]:
    """Return the measurements of an ensemble of a group of seeds, with a fitted temperature.

    ``made`` is how its members are trained, and how they are combined.
    """
    from fashion_zoo.evaluation import measure_test

    training, method = made
    runs = members(training, group, dataset, changes or {}, folder, count, apart, display)
    with tempfile.TemporaryDirectory() as place:
        run = ensemble(
            runs, method, to=f"{place}/ensemble", temperature=True, data=dataset, progress=False,
            snapshots=training == "snapshots",
        )  # fmt: skip
        model, part = run.load_model(), dict(run.ensemble or {})
    found = measure_test(model, dataset)
    weights = [one["weight"] for one in part["members"]]
    trained = runs[:1] if training == "snapshots" else runs
    seconds = sum(run.read_json("training.json")["seconds"] for run in trained)
    return {
        "validation_accuracy": part["validation_accuracy"],
        "test_accuracy": found["accuracy"]["value"],
        "nll": found["nll"],
        "ece": found["ece"],
        "correct": found["correct"],
        "temperature": part["temperature"],
        "used": sum(weight is None or weight > 0 for weight in weights),
        "parameters": part["parameters"],
        "seconds": seconds,
        "milliseconds_one": milliseconds(model, dataset, ONE),
        "milliseconds": milliseconds(model, dataset, SEVERAL),
    }


def milliseconds(model: Any, dataset: Dataset, images: int) -> float:
    """Return the median time to predict a batch of so many images, in milliseconds."""
    pixels = cost.batch(model, dataset.validation.images, images)
    return round(cost.latency(model, pixels, _CALLS), 3)


def arms(names: Iterable[str] = ARMS, **settings: Any) -> list[Arm]:
    """Return the arms, with other arguments of ``measure``."""
    return [Arm(name, program=functools.partial(measure, ARMS[name], **settings)) for name in names]


EXPERIMENT = Experiment(
    name="ensembles",
    question="What are ensembles of five members worth, and what do they cost?",
    arms=arms(),
    claims=[Claim(name, OWN.get(name, BEST)) for name in MADE if name not in BESIDE],
    columns=[
        columns.name("ensemble", code=lambda arm: arm in MADE),
        columns.number("members used", "used", ".1f"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points against the best of the seeds", "test_accuracy", BEST),
        columns.against(
            "points against its best member",
            "test_accuracy",
            {name: OWN.get(name, BEST) for name in MADE},
        ),
        columns.number("NLL", "nll", ".4f"),
        columns.number("ECE", "ece", ".4f"),
        columns.number("parameters", "parameters", ",.0f"),
        columns.seconds(),
        columns.value("ms for 1 image", "milliseconds_one", ".2f", POSITIVE, right=True),
        columns.value("ms for 1,000 images", "milliseconds", ".1f", POSITIVE, right=True),
    ],
    note="A group is five seeds of `bn_mlp.quick`, of which no two groups share one: mean over "
    "{seeds}, each of another group, with {interval}. The best of the seeds is that with the "
    "highest validation accuracy. `average`, `greedy`, `stack` and both soups of seeds are "
    "made of the same five. Bagging and boosting train five members of their own with the "
    "same seeds; snapshots are of the five cycles of one training, which is as long as five. "
    "The best of a kind is the member with the highest validation accuracy. The claim on the "
    "soup of snapshots was added later than the others; `boosting, all members` and `uniform "
    "soup` were added later still, without a claim. Differences are paired by group. Seconds "
    "are those of the training of all members. NLL and ECE are those of the test images, with"
    " a temperature that is fitted on the validation images, for the single network too. "
    "{machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick(
        {"data": {"limit": 2_000}},
        arms=arms(
            QUICK,
            changes={"training": {"epochs": 1}},
            folder=Path("runs/ensembles-quick/members"),
            count=2,
        ),
    ),
    page="docs/ensembles.md",
    figure=by_row(
        {arm: Point("", arm) for arm in ARMS if arm != FAR},
        "Ensembles: what they reach, and what they cost",
        "Each interval by itself.",
        ACCURACY,
        Panel("test_accuracy", f"points above the {BEST}", against=BEST),
        Panel("milliseconds", f"ms for {SEVERAL:,} images", bounds=POSITIVE),
    ),
)
