"""The changes of the exercise on schedules: shorter, at a larger rate, with another optimizer."""

import functools
from typing import Any

from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Contrast, Quick, columns
from recipes.experiments import _changes
from recipes.experiments.schedules import RATES, SCHEDULES, measure

RATE, LARGER = RATES[2], RATES[4]
SHORT = 3  # epochs
ADAM_RATES = RATES[:4]
SGD_RATES = tuple(10 ** (-2 + number * 2 / 3) for number in range(4))
"""Base learning rates of Adam and of SGD, the latter from 0.01 to 1."""
HALVES = "step(0.5, every=1/3)"


def _arm(name: str, schedule: str, rate: float = RATE, **training: Any) -> Arm:
    changes = {"learning_rate": rate, "schedules": {"learning_rate": schedule}, **training}
    return Arm(name, "bn_mlp", {"training": changes})


def _sensitivity(name: str, **settings: Any) -> Arm:
    given = {"rates": ADAM_RATES, "epochs": _changes.EPOCHS, **settings}
    return Arm(f"{name}, four rates", program=functools.partial(measure, "cosine", **given))


def arms(**settings: Any) -> list[Arm]:
    """Return the arms, with other arguments of ``measure``."""
    sgd = {"rates": SGD_RATES, "others": {"optimizer": "sgd"}}
    return [
        *(_arm(name, name) for name in ("constant", "cosine")),
        *(_arm(f"{name}, short", name, epochs=SHORT) for name in ("constant", "cosine")),
        *(_arm(f"{name}, larger rate", name, LARGER) for name in ("constant", "cosine")),
        _arm("warm, larger rate", "warmup(0.05) >> cosine", LARGER),
        _arm("step", SCHEDULES["step"]),
        _arm("half steps", HALVES),
        _sensitivity("adam", **settings),
        _sensitivity("sgd", **{**sgd, **settings}),
    ]


EXPERIMENT = _changes.changes(
    "schedules",
    "schedules",
    "docs/exercises/schedules.md",
    arms(),
    [
        Contrast(
            "a short training on what cosine gains",
            weights=_changes.beyond(("cosine, short", "constant, short"), ("cosine", "constant")),
            text=f"`cosine` gains more in {SHORT} epochs.",
        ),
        Contrast(
            "the larger rate on what cosine gains",
            weights=_changes.beyond(
                ("cosine, larger rate", "constant, larger rate"), ("cosine", "constant")
            ),
            text="`constant` loses more by the larger rate than `cosine` does.",
        ),
        Claim(
            "warm, larger rate",
            "cosine, larger rate",
            text="A warm-up before `cosine` helps at the larger rate.",
        ),
        Claim(
            "half steps",
            "step",
            direction="same",
            least=0.005,
            text="The two kinds of steps differ by less than 0.5 points.",
        ),
        Claim(
            "sgd, four rates",
            "adam, four rates",
            "spread",
            text="With SGD the base rate matters more.",
        ),
    ],
    f"`bn_mlp` on {_changes.IMAGES:,} images for {_changes.EPOCHS} epochs, short ones for {SHORT}, "
    f"at a base rate of {RATE:.2g}, the larger one {LARGER:.2g}. Steps are "
    f"`{SCHEDULES['step']}`, half steps `{HALVES}`. Four rates: `cosine` at base rates from "
    f"{ADAM_RATES[0]:.2g} to {ADAM_RATES[-1]:.2g}, of SGD from {SGD_RATES[0]:.2g} to "
    f"{SGD_RATES[-1]:.2g}, and the row is of the best on the validation images",
    columns.where_measured(
        columns.Column(
            "points between the best and the worst base rate",
            lambda measured, arm: columns.mean(
                measured.values(arm, "spread"), ".2f", bounds=POSITIVE, scale=100
            ),
        ),
        "spread",
    ),
    quick=Quick(arms=arms(rates=(1e-3, 1e-2), epochs=1)),
)
