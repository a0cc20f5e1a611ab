"""The changes of the exercise on tuning: fewer and more trials, a narrow range, at random."""

import functools
from typing import Any

from fashion_zoo.experiments import Arm, Claim, Quick, columns
from recipes.experiments import _changes
from recipes.experiments.tuning import AGAIN, EPOCHS, TUNED, measure

TRIALS, FEW, MANY = 20, 5, 100
NARROW = ("learning_rate", "log(1e-3, 1e-2)")
USUAL = "20 trials"


def arms(trials: int = TRIALS, few: int = FEW, many: int = MANY, **settings: Any) -> list[Arm]:
    """Return the arms, with other numbers of trials and other arguments of ``measure``."""
    kinds: dict[str, dict[str, Any]] = {
        USUAL: {"trials": trials},
        "5 trials": {"trials": few},
        "100 trials": {"trials": many},
        "20 trials, narrow": {"trials": trials, "ranges": (NARROW,)},
        "20 trials, random": {"trials": trials, "sampler": "random"},
    }
    return [
        Arm(name, program=functools.partial(measure, TUNED, **own, **settings))
        for name, own in kinds.items()
    ]


EXPERIMENT = _changes.changes(
    "tuning",
    "tuning",
    "docs/exercises/tuning.md",
    arms(),
    [
        Claim(
            "5 trials",
            USUAL,
            "optimism",
            "lower",
            text="The best of fewer scores is less optimistic.",
        ),
        Claim("100 trials", USUAL, "score", text="Of more trials the best score is better."),
        Claim("100 trials", USUAL, "optimism", text="It is more optimistic too."),
        Claim(
            "100 trials",
            USUAL,
            "validation_accuracy",
            "same",
            least=0.005,
            text="Trained again, more trials bring less than 0.5 points.",
        ),
        Claim(
            "20 trials, narrow",
            USUAL,
            "importance_learning_rate",
            "lower",
            unit="",
            scale=1,
            text="In a narrow range the learning rate matters less.",
        ),
        Claim(
            "20 trials, random",
            USUAL,
            "score",
            "same",
            least=0.005,
            text="The best score of trials at random differs by less than 0.5 points.",
        ),
    ],
    f"`bn_mlp` with one hidden layer on {_changes.FEWER:,} images for {EPOCHS} epochs. Each seed "
    "is a search of its own, with TPE or at random, whose best trial is trained again with "
    f"{AGAIN} fresh seeds; the narrow range of the learning rate is `{NARROW[1]}`. Validation "
    "accuracies are those trained again",
    columns.accuracy("score in the search", "score"),
    columns.Column(
        "optimism, points", lambda measured, arm: columns.points(measured.values(arm, "optimism"))
    ),
    columns.number("importance of the learning rate", "importance_learning_rate", ".2f"),
    settings={"data": {"limit": _changes.FEWER}},
    quick=Quick({"data": {"limit": 2_000}}, arms=arms(3, 2, 4, again=2)),
)
