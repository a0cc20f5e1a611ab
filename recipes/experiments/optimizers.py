"""Optimizers compared, each at the learning rate that the same budget of trials chose for it."""

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, columns, page as pages
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.runs import Trained
from fashion_zoo.show.plots import canvas
from fashion_zoo.show.progress import Display
from recipes.experiments._figures import WIDTH, legend_above
from recipes.experiments._training import (
    LEVEL,
    Figures,
    draw,
    figures,
    figures_of,
    look_at,
    reached,
    row_of,
    sweep,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECIPE = "bn_mlp"
TRIALS = 6
"""Learning rates that are tried for each optimizer, one training each with one seed."""
EPOCHS = 5
"""Epochs of a trial."""
TRIAL_SEED = 1000
"""Its seed, which is none of the seeds of the table."""
FACTOR = 10**0.5
"""Ratio of neighbouring learning rates."""

SETTINGS: dict[str, tuple[float, dict[str, Any]]] = {
    "adam": (1e-3, {}),
    "adamw": (1e-3, {"weight_decay": 0.01}),
    "radam": (1e-3, {}),
    "lookahead(adam)": (1e-3, {}),
    "adabound": (1e-3, {}),
    "sgd": (1e-2, {}),
    "muon": (1e-3, {"weight_decay": 0.01}),
    "lion": (1e-3, {"weight_decay": 0.1}),
    "schedule_free_adamw": (1e-3, {"schedules": {"learning_rate": "constant"}}),
}
"""Optimizer to its lowest learning rate, and what else of the training is its own.

Lion's decay is ten times as large as Adam's, as its paper says.
"""
NUMBERS = {"lookahead(adam)": "C29", "adabound": "C31"}
"""Optimizer to the number of the claim that is about it."""


def _settings(word: str, rate: float) -> dict[str, Any]:
    return {"training": {"optimizer": word, "learning_rate": rate, **SETTINGS[word][1]}}


@functools.cache
def chosen_rate(word: str, data: Dataset, display: Display | None = None) -> float:
    """Return the learning rate with the best validation accuracy of the trials."""
    short = {"training": {"epochs": EPOCHS}}

    def train(rate: float) -> Figures | None:
        settings = _settings(word, rate)
        return figures_of(RECIPE, data, TRIAL_SEED, settings, short, evaluate=False)

    rates = [SETTINGS[word][0] * FACTOR**number for number in range(TRIALS)]
    return rates[int(np.argmax(sweep(rates, train, display)[0]))]


def measure(word: str, seed: int, data: Dataset, display: Display | None = None) -> Row:
    """Train with the chosen rate; return accuracies, time to ``LEVEL`` or 0, and the curve."""
    rate = chosen_rate(word, data, display)
    found = look_at(RECIPE, data, seed, _settings(word, rate), look=_measured)
    return {"learning_rate": rate, **found}


def _measured(done: Trained) -> Row:
    found = row_of(figures(done))
    times = [row["seconds"] for row in pages.read_rows(done.run.path / "timing.csv")]
    return {**found, "seconds_to_level": sum(times[: found["epochs_to_level"]])}


def figure(measured: Measured) -> "Figure":
    """Draw the mean validation accuracy of each optimizer after each epoch."""
    whole, (axis,) = canvas.grid(WIDTH, 6.2)
    draw(axis, measured, "curve")
    axis.set_ylabel("validation accuracy")
    axis.set_ylim(bottom=0.8)
    legend_above(axis)
    canvas.in_percent(axis)
    canvas.annotate(
        whole,
        "Optimizers, each at its own learning rate",
        "Validation accuracy of bn_mlp after each epoch, mean over the seeds.",
    )
    return whole


EXPERIMENT = Experiment(
    name="optimizers",
    question="Which optimizer trains bn_mlp best, each at its own learning rate?",
    arms=[Arm(word, program=functools.partial(measure, word)) for word in SETTINGS],
    settings={"data": {"limit": 30_000}},
    claims=[
        Claim(word, "adam", number=NUMBERS.get(word, "")) for word in SETTINGS if word != "adam"
    ],
    columns=[
        columns.name("optimizer"),
        columns.number("learning rate", "learning_rate", ".2g"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points of test accuracy against adam", "test_accuracy", "adam"),
        reached(f"epochs to {100 * LEVEL:.0f} % validation", "epochs_to_level", ".1f"),
        reached("seconds to it", "seconds_to_level", ".1f"),
    ],
    note="`bn_mlp` with its other defaults, on 30,000 images for 20 epochs; mean over {seeds} with "
    "{interval}; it is the interval for these images. The learning rate of each optimizer is the "
    f"best of {TRIALS}, a factor of the root of 10 apart, by the validation accuracy of one "
    f"training of {EPOCHS} epochs. Differences are paired by seed. {{machine}} `{{command}}` "
    "reproduces the table.",
    seeds=5,
    page="docs/optimizers.md",
    figure=figure,
)
