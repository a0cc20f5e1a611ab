"""The changes of the exercise on ensembles: members, images, a stack, without suspects."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

from fashion_zoo.auditing import audit
from fashion_zoo.data import Dataset, load
from fashion_zoo.ensembles import Training
from fashion_zoo.experiments import Arm, Claim, Contrast, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.storage import absolute
from recipes.experiments import _changes
from recipes.experiments.ensembles import MEMBERS, measure

FEW, MANY = 2, 10
FOLDER = Path("runs/ensembles_changes/members")
QUICK, SHORT = Path("runs/ensembles_changes-quick/members"), {"training": {"epochs": 1}}
SEEDS: tuple[Training, str] = ("seeds", "average")
BEST: tuple[Training, str] = ("seeds", "greedy(1)")
BOOSTING: tuple[Training, str] = ("boosting", "boost('all')")
AVERAGE, BEST_MEMBER = "some members", "best member"
FEWER = ("some members, fewer images", "best member, fewer images")


def without_suspects(
    group: int,
    data: Dataset,
    folder: Path = FOLDER,
    display: TrainingDisplay | None = None,
    **settings: Any,
) -> Row:
    """Measure boosting whose members learn without the likely label errors of an audit."""
    place = absolute(folder.parent / "audit")
    if not place.exists():
        audit(dataclasses.replace(data.origin, limit=None), to=place, progress=False)
    kept = load(dataclasses.replace(data.origin, exclude=str(place / "label_errors.txt")))
    return measure(BOOSTING, group, kept, folder=folder, display=display, **settings)


def arms(folder: Path = FOLDER, many: int = MANY, **settings: Any) -> list[Arm]:
    """Return the arms that no audit is needed for, with other arguments of ``measure``."""
    own = {"folder": folder, "apart": MANY, **settings}

    def arm(name: str, made: tuple[Training, str], count: int = MEMBERS, **changes: Any) -> Arm:
        return Arm(
            name, changes=changes, program=functools.partial(measure, made, count=count, **own)
        )

    return [
        arm("few members", SEEDS, FEW),
        arm(AVERAGE, SEEDS),
        arm("many members", SEEDS, many),
        arm(BEST_MEMBER, BEST),
        arm(FEWER[0], SEEDS, **_changes.FEW),
        arm(FEWER[1], BEST, **_changes.FEW),
        arm("bagging", ("bagging", "average")),
        arm("bagged stack", ("bagging", "stack")),
    ]


BOOSTED = [
    Arm("boosting", program=functools.partial(measure, BOOSTING, folder=FOLDER, apart=MANY)),
    Arm("boosting, no suspects", program=functools.partial(without_suspects, apart=MANY)),
]
"""Left out of a quick look: an audit takes all images."""
EXPERIMENT = _changes.changes(
    "ensembles",
    "ensembles",
    "docs/exercises/ensembles.md",
    [*arms(), *BOOSTED],
    [
        Contrast(
            "further members, minus that of the first ones,",
            direction="lower",
            weights={"many members": 1, AVERAGE: -2, "few members": 1},
            text=f"Further members gain less: from {MEMBERS} to {MANY} less than from {FEW} to "
            f"{MEMBERS}.",
        ),
        Contrast(
            "the average with fewer images, minus that with all of them,",
            weights=_changes.beyond(FEWER, (AVERAGE, BEST_MEMBER)),
            text="With fewer images the average gains more on its best member.",
        ),
        Claim(
            "bagged stack",
            "bagging",
            direction="lower",
            text="The stack of bagged members is worse than their average.",
        ),
        Claim("boosting, no suspects", "boosting", text="Boosting gains without the suspects."),
    ],
    f"Groups of {MEMBERS} members of `bn_mlp.quick`, few are {FEW} and many {MANY} of the same "
    f"seeds, on {_changes.IMAGES:,} images for the recipe's 10 epochs. Fewer images are "
    f"{_changes.FEWER:,}, for as many epochs, so a quarter of the steps: a verdict on fewer "
    "images is on both. A seed is a group; the best member has the highest validation accuracy. "
    "Boosting takes all of its members. No suspects: without the likely label errors of an "
    "audit, among training and validation images alike, so that "
    "their validation accuracies are of different images",
    further=[columns.number("members used", "used", ".1f")],
    pairs="group",
    settings={"data": {"limit": _changes.IMAGES}},
    quick=Quick(
        {"data": {"limit": 2_000}},
        arms=[one for one in arms(QUICK, 6, changes=SHORT) if one.name not in FEWER],
    ),
)
