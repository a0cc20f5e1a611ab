"""The changes of the exercise on tuning: fewer and more trials, a narrow range, at random."""

import functools
from typing import Any

from fashion_zoo.data import Dataset
from fashion_zoo.experiments import Arm, Claim, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.show.progress import Display
from recipes.experiments import _changes
from recipes.experiments.tuning import AGAIN, EPOCHS, OPTIMISM, TUNED, measure

FEW, SOME, MANY = 5, 20, 100
NARROW = ("learning_rate", "log(1e-3, 1e-2)")
USUAL = "some trials"
IMPORTANCE = "importance_of_the_learning_rate"


def found(seed: int, data: Dataset, display: Display | None = None, **settings: Any) -> Row:
    """Return the row of the best trial of a search, with the importance under a name of its own."""
    row = measure(TUNED, seed, data, display=display, **settings)
    return {**row, IMPORTANCE: row["importance_learning_rate"]}


def arms(few: int = FEW, some: int = SOME, many: int = MANY, **settings: Any) -> list[Arm]:
    """Return the arms, with other numbers of trials and other arguments of ``measure``."""
    kinds: dict[str, dict[str, Any]] = {
        USUAL: {"trials": some},
        "fewer trials": {"trials": few},
        "more trials": {"trials": many},
        "narrow range": {"trials": some, "ranges": (NARROW,)},
        "at random": {"trials": some, "sampler": "random"},
    }
    return [
        Arm(name, program=functools.partial(found, **own, **settings))
        for name, own in kinds.items()
    ]


EXPERIMENT = _changes.changes(
    "tuning",
    "tuning",
    "docs/exercises/tuning.md",
    arms(),
    [
        Claim(
            "fewer trials", USUAL, "optimism", "lower",
            text="The best score of fewer trials is less optimistic.",
        ),
        Claim("more trials", USUAL, "score", text="The best score of more trials is higher."),
        Claim(
            "more trials", USUAL, "optimism",
            text="The best score of more trials is more optimistic.",
        ),
        Claim(
            "more trials", USUAL, "validation_accuracy", "lower", -0.005,
            text="Trained again, the best of more trials is better by less than 0.5 points.",
        ),
        Claim(
            "narrow range", USUAL, IMPORTANCE, "lower", unit="", scale=1,
            text="In a narrow range the learning rate matters less.",
        ),
        Claim(
            "at random", USUAL, "score", "higher", -0.005,
            text="The best score of trials at random is lower by less than 0.5 points.",
        ),
    ],
    f"`bn_mlp` with one hidden layer on {_changes.FEWER:,} images for {EPOCHS} epochs. Each seed "
    f"is a search of its own by TPE with {SOME} trials, fewer are {FEW}, more {MANY}, or with "
    f"{SOME} at random; the narrow range of the learning rate is `{NARROW[1]}`. The best trial, "
    f"which may be the defaults, is trained again with {AGAIN} fresh seeds, and accuracies are "
    "those trained again. Optimism is the score in the search minus the mean when trained again; "
    "the importance is by fANOVA",
    further=[
        columns.accuracy("score in the search", "score"),
        OPTIMISM,
        columns.number("importance of the learning rate", IMPORTANCE, ".2f"),
    ],
    settings={"data": {"limit": _changes.FEWER}},
    quick=Quick({"data": {"limit": 2_000}}, arms=arms(2, 3, again=2)[:2]),
)  # fmt: skip
