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
from fashion_zoo.storage import absolute
from recipes.experiments import _changes
from recipes.experiments.ensembles import MEMBERS, measure

COUNTS = (2, MEMBERS, 10)
FEWER, BEST_OF_FEWER = "average, fewer images", "best member, fewer images"
FOLDER = Path("runs/ensembles_changes/members")
BOOSTING: tuple[Training, str] = ("boosting", "boost")
QUICK = Path("runs/ensembles_changes-quick/members")


def without_suspects(group: int, data: Dataset, folder: Path = FOLDER, **settings: Any) -> Row:
    """Measure boosting whose members learn without the likely label errors of an audit."""
    place = absolute(folder.parent / "audit")
    if not place.exists():
        audit(dataclasses.replace(data.origin, limit=None), to=place, progress=False)
    kept = load(dataclasses.replace(data.origin, exclude=str(place / "label_errors.txt")))
    return measure(BOOSTING, group, kept, folder=folder, **settings)


def arms(folder: Path = FOLDER, counts: tuple[int, ...] = COUNTS, **settings: Any) -> list[Arm]:
    """Return the arms, with other arguments of ``measure``."""

    def arm(name: str, training: Training, method: str, count: int, **changes: Any) -> Arm:
        own = {"folder": folder, "count": count, **settings}
        program = functools.partial(measure, (training, method), **own)
        return Arm(name, changes=changes, program=program)

    _, usual, _ = counts
    few = _changes.FEW
    return [
        *(
            arm(f"average of {number}", "seeds", "average", count)
            for number, count in zip(COUNTS, counts, strict=True)
        ),
        arm("best member", "seeds", "greedy(1)", usual),
        arm(FEWER, "seeds", "average", usual, **few),
        arm(BEST_OF_FEWER, "seeds", "greedy(1)", usual, **few),
        arm("bagging", "bagging", "average", usual),
        arm("bagged stack", "bagging", "stack", usual),
    ]


BOOSTED = [
    Arm("boosting", program=functools.partial(measure, BOOSTING, folder=FOLDER)),
    Arm("boosting, no suspects", program=without_suspects),
]
"""Left out of a quick look: an audit takes all images."""
AVERAGE = f"average of {MEMBERS}"
EXPERIMENT = _changes.changes(
    "ensembles",
    "ensembles",
    "docs/exercises/ensembles.md",
    [*arms(), *BOOSTED],
    [
        Contrast(
            "the further members, less that of the first ones,",
            direction="lower",
            weights={f"average of {COUNTS[2]}": 1, AVERAGE: -2, f"average of {COUNTS[0]}": 1},
            text=f"From {MEMBERS} members to {COUNTS[2]} less is gained than from {COUNTS[0]} to "
            f"{MEMBERS}.",
        ),
        Contrast(
            "fewer images on what the average gains",
            weights=_changes.beyond((FEWER, BEST_OF_FEWER), (AVERAGE, "best member")),
            text=f"With {_changes.FEWER:,} images the average gains more.",
        ),
        Claim(
            "bagged stack",
            "bagging",
            direction="lower",
            text="A stack of bagged members is worse than their average.",
        ),
        Claim("boosting, no suspects", "boosting", text="Boosting gains without the suspects."),
    ],
    f"Groups of {MEMBERS} members of `bn_mlp.quick` where no other number is given, on "
    f"{_changes.IMAGES:,} images, fewer are {_changes.FEWER:,}, for its own epochs. No suspects: "
    "without the likely label errors of an audit, among training and validation images alike",
    columns.number("members used", "used", ".1f"),
    settings={"data": {"limit": _changes.IMAGES}},
    quick=Quick(
        {"data": {"limit": 2_000}},
        arms=arms(QUICK, (1, 2, 3), changes={"training": {"epochs": 1}}),
    ),
)
