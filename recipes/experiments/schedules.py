"""Exercise: learning-rate schedules, how fast each is, and how much its base rate matters."""

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.errors import TrainingError
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.show.plots import canvas
from fashion_zoo.show.progress import Display
from recipes.experiments import _training
from recipes.experiments._figures import WIDTH
from recipes.experiments._training import LEVEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEDULES: Mapping[str, str] = {
    "constant": "constant",
    "step": "step(0.1, every=0.4)",
    "exponential": "exponential(1, 0.01)",
    "cosine": "cosine",
    "one_cycle": "one_cycle",
}
FIRST, *OTHERS = SCHEDULES
RATES = tuple(10 ** (-3.5 + number / 2) for number in range(5))
"""Base learning rates, from 0.0003 to 0.03."""
EPOCHS = 10
SPEED = f"epochs_to_{100 * LEVEL:.0f}_percent"
"""Epochs to ``LEVEL``, and one more than all of a training that does not reach it."""


def measure(
    arm: str,
    seed: int,
    data: Dataset,
    rates: Sequence[float] = RATES,
    epochs: int = EPOCHS,
    others: Mapping[str, Any] = MappingProxyType({}),
    display: Display | None = None,
) -> Row:
    """Train with each base rate; return the figures of the one that validation prefers.

    ``others`` are further settings of the training.
    """

    def train(rate: float) -> _training.Figures | None:
        own = {"learning_rate": SCHEDULES[arm]}
        training = {"learning_rate": rate, "epochs": epochs, "schedules": own, **others}
        return _training.figures_of("bn_mlp", data, seed, {"training": training})

    tried, done = _training.sweep(rates, train, display)
    best = done[place := int(np.argmax(tried))]
    if best is None:
        raise TrainingError(f"With schedule {arm!r} every base rate diverged.")
    row = _training.row_of(best)
    return {
        "learning_rate": rates[place],
        "spread": max(tried) - min(tried),
        "rates": " ".join(f"{one:.4g}" for one in rates),
        "tried": _training.joined(tried),
        **row,
        SPEED: row["epochs_to_level"] or epochs + 1,
    }


SENSITIVITY = columns.Column(
    "points between the best and the worst base rate",
    lambda measured, arm: columns.mean(
        measured.values(arm, "spread"), ".2f", bounds=POSITIVE, scale=100
    ),
)


def figure(measured: Measured) -> "Figure":
    """Draw the curves of each schedule, and the accuracy by base rate."""
    whole, axes = canvas.grid(WIDTH, 10, 3, 1)
    _training.draw(axes[0], measured, "curve")
    axes[0].axhline(LEVEL, color=canvas.QUIET, linewidth=1)
    axes[0].set(ylabel="validation accuracy")
    _training.draw(axes[1], measured, "training_loss")
    axes[1].set(ylabel="training loss")
    rates = _training.numbers(measured.rows[0]["rates"])
    _training.draw(axes[2], measured, "tried", rates, marker="o")
    axes[2].set(xscale="log", xlabel="base learning rate", ylabel="validation accuracy")
    axes[0].legend(fontsize=8)
    for axis in (axes[0], axes[2]):
        canvas.in_percent(axis)
    canvas.annotate(
        whole,
        "Learning-rate schedules, each at the base rate that validation prefers",
        "bn_mlp, means over the seeds. At the bottom every base rate: a flat curve is one where it "
        "hardly matters.",
    )
    return whole


def arms(**settings: Any) -> list[Arm]:
    """Return the arms, with other arguments of ``measure``."""
    return [Arm(name, program=functools.partial(measure, name, **settings)) for name in SCHEDULES]


EXPERIMENT = Experiment(
    name="schedules",
    question="Which learning-rate schedule is best, fastest and least sensitive?",
    arms=arms(),
    claims=[
        *(Claim(arm, FIRST) for arm in OTHERS),
        *(
            Claim(
                arm, FIRST, "spread", "lower", text=f"`{arm}` is less sensitive to its base rate."
            )
            for arm in OTHERS
        ),
        *(
            Claim(
                arm,
                FIRST,
                SPEED,
                "lower",
                unit="",
                scale=1,
                form=".1f",
                text=f"`{arm}` reaches a validation accuracy of {100 * LEVEL:.0f} % in fewer "
                "epochs.",
            )
            for arm in OTHERS
        ),
    ],
    columns=[
        columns.name("schedule"),
        _training.geometric("base rate", "learning_rate"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points of test accuracy against constant", "test_accuracy", FIRST),
        _training.reached(f"epochs to {100 * LEVEL:.0f} % validation", "epochs_to_level", ".1f"),
        SENSITIVITY,
    ],
    note=f"`bn_mlp` on all images, {EPOCHS} epochs; mean over {{seeds}} with {{interval}}; it is "
    f"the interval for these images. With each seed {len(RATES)} base rates are tried, a factor of "
    "the root of 10 apart, and the row is of the one with the best validation accuracy; the table "
    "has their geometric mean. Epochs to "
    f"{100 * LEVEL:.0f} % are those of the seeds that reach it, with their number if not all do; "
    f"in the verdicts one that does not reach it counts as {EPOCHS + 1}. "
    "The schedules are "
    + ", ".join(f"`{one}`" for one in SCHEDULES.values())
    + ". Differences are paired by seed. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 2_000}}, arms=arms(rates=(1e-3, 1e-2), epochs=4)),
    page="docs/exercises/schedules.md",
    figure=figure,
)
