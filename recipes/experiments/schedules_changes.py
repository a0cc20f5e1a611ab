"""The changes of the exercise on schedules: shorter, at a larger rate, with another optimizer."""

import functools
from collections.abc import Mapping
from typing import Any

from fashion_zoo.experiments import Arm, Claim, Contrast, Quick, columns
from recipes.experiments import _changes
from recipes.experiments.schedules import RATES, SCHEDULES, SENSITIVITY, measure

PAIR = ("cosine", "constant")
RATE, LARGER = RATES[2], RATES[4]
SHORT = 3  # epochs
OPTIMIZERS: Mapping[str, tuple[float, ...]] = {
    "adam": RATES,
    "sgd": tuple(10 ** (-2 + number / 2) for number in range(5)),
}
"""Optimizer to the base rates that are tried, of SGD from 0.01 to 1."""
HALVES = "step(0.5, every=1/3)"


def _arm(name: str, schedule: str, rate: float = RATE, **training: Any) -> Arm:
    changes = {"learning_rate": rate, "schedules": {"learning_rate": schedule}, **training}
    return Arm(name, "bn_mlp", {"training": changes})


def _rates(optimizer: str, number: int | None, epochs: int) -> Arm:
    rates, others = OPTIMIZERS[optimizer][:number], {"optimizer": optimizer}
    program = functools.partial(measure, "cosine", rates=rates, epochs=epochs, others=others)
    return Arm(f"{optimizer}, several rates", program=program)


def _more(change: str, words: str, text: str) -> Contrast:
    """Return the claim that ``cosine`` gains more on ``constant`` with a change than without."""
    changed = (f"{PAIR[0]}, {change}", f"{PAIR[1]}, {change}")
    weights = _changes.beyond(changed, PAIR)
    return Contrast(f"`cosine` {words},", weights=weights, text=text)


def arms(number: int | None = None, epochs: int = _changes.EPOCHS) -> list[Arm]:
    """Return the arms; ``number`` of the base rates of each optimizer, and their epochs."""
    return [
        *(_arm(name, name) for name in PAIR),
        *(_arm(f"{name}, short", name, epochs=SHORT) for name in PAIR),
        *(_arm(f"{name}, larger rate", name, LARGER) for name in PAIR),
        _arm("warm, larger rate", "warmup(0.05) >> cosine", LARGER),
        _arm("step", SCHEDULES["step"]),
        _arm("half steps", HALVES),
        *(_rates(optimizer, number, epochs) for optimizer in OPTIMIZERS),
    ]


EXPERIMENT = _changes.changes(
    "schedules",
    "schedules",
    "docs/exercises/schedules.md",
    arms(),
    [
        _more(
            "short",
            "in a short training, minus that in a long one",
            f"In a short training, of {SHORT} epochs, `cosine` gains more on `constant`.",
        ),
        _more(
            "larger rate",
            "at the larger rate, minus that at a tenth of it",
            "`constant` loses more by the larger rate than `cosine` does.",
        ),
        Claim(
            "warm, larger rate",
            "cosine, larger rate",
            text="A warm-up before `cosine` helps where the rate is larger.",
        ),
        Claim(
            "half steps",
            "step",
            direction="same",
            least=0.005,
            text="The two kinds of steps differ by less than 0.5 points.",
        ),
        Claim(
            "sgd, several rates",
            "adam, several rates",
            "spread",
            text="With SGD the base rate matters more.",
        ),
    ],
    f"`bn_mlp` on {_changes.IMAGES:,} images for {_changes.EPOCHS} epochs, at a base rate of "
    f"{RATE:.2g}; short trainings have {SHORT} epochs, and the larger rate is {LARGER:.2g}. Steps "
    f"are `{SCHEDULES['step']}`, half steps `{HALVES}`. Several rates: `cosine` at "
    f"{len(RATES)} base rates, of Adam from {RATES[0]:.2g} to {RATES[-1]:.2g}, of SGD from "
    f"{OPTIMIZERS['sgd'][0]:.2g} to {OPTIMIZERS['sgd'][-1]:.2g}, a factor of 100 each; the row is "
    "of the one with the best validation accuracy, and one that diverges counts as a guess, 10 %; "
    "for which optimizer the rate matters more depends on where these end",
    further=[columns.where_measured(SENSITIVITY, "spread")],
    quick=Quick({"data": {"limit": 2_000}}, arms=arms(2, 1)),
)
