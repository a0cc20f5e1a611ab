"""A function of one number, fitted by one hidden layer of growing width."""

import functools
import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.show.plots import canvas
from recipes.experiments._figures import WIDTH
from recipes.experiments._training import joined, numbers
from recipes.experiments._units import POWERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
FITTED, SHOWN = 200, 61  # places at which it is fitted, and drawn
DRAWN = (2, 8, 64)


def target(x: np.ndarray) -> np.ndarray:
    """Return a continuous function on 0..1 with a wave, a faster one, and a corner."""
    return np.sin(2 * np.pi * x) + 0.4 * np.sin(9 * np.pi * x) + np.abs(x - 0.6)


def measure(width: int, seed: int, data: Dataset) -> Row:
    """Fit the function, not images; return the power of ten of its error, and its curve."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    x = np.linspace(0, 1, FITTED)[:, None]
    network = MLPRegressor(
        hidden_layer_sizes=(width,), activation="tanh", solver="lbfgs", alpha=0,
        max_iter=5_000, max_fun=50_000, tol=1e-9, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it may stop at its last step
        network.fit(4 * x - 2, target(x[:, 0]))  # a range in which tanh bends
    between = np.linspace(0, 1, 10 * FITTED + 1)
    error = network.predict(4 * between[:, None] - 2) - target(between)
    drawn = np.linspace(0, 1, SHOWN)
    return {
        "error": math.log10(math.sqrt(float(np.square(error).mean()))),
        "largest_error": float(np.abs(error).max()),
        "curve": joined(network.predict(4 * drawn[:, None] - 2)),
    }


def figure(measured: Measured) -> "Figure":
    """Draw the function with the fits of the first seed, and the errors of all seeds by width."""
    whole, (fits, errors) = canvas.grid(WIDTH, 6, 2, 1)
    x = np.linspace(0, 1, SHOWN)
    fits.plot(x, target(x), color="0.6", linewidth=4, label="the function")
    for number, width in enumerate(DRAWN):
        if measured.has(str(width), "curve"):
            first = numbers(measured.values(str(width), "curve")[0])
            fits.plot(x, first, **canvas.style(number, f"{width} units"))
    fits.legend(fontsize=8)
    for place, width in enumerate(WIDTHS):
        if measured.has(str(width), "error"):
            values = [10**one for one in measured.values(str(width), "error")]
            errors.plot([place] * len(values), values, "o", color=canvas.COLORS[0])
    errors.set_yscale("log")
    errors.set_xticks(range(len(WIDTHS)), [str(width) for width in WIDTHS])
    errors.set(xlabel="units of the hidden layer", ylabel="error")
    for axis in (fits, errors):
        axis.grid(alpha=0.3)
    canvas.annotate(
        whole,
        "One hidden layer and a continuous function",
        "Above fits of the first seed, below the root mean square error of each seed.",
    )
    return whole


ERROR: dict[str, Any] = {**POWERS, "metric": "error"}
EXPERIMENT = Experiment(
    name="approximation",
    question="Does a wider hidden layer approximate a continuous function better?",
    arms=[Arm(str(one), program=functools.partial(measure, one)) for one in WIDTHS],
    claims=[
        Claim(
            str(wide),
            str(narrow),
            direction="lower",
            text=f"{wide} units are closer than {narrow}.",
            **ERROR,
            number="C2",
        )
        for narrow, wide in itertools.pairwise(WIDTHS)
    ],
    columns=[
        columns.name("units", code=lambda arm: False),
        columns.value("error, power of ten", "error", ".2f"),
        columns.number("largest error", "largest_error", ".2g"),
    ],
    note=f"One hidden layer of tanh, fitted at {FITTED} places by L-BFGS; no images. The error is "
    "the root of the mean square over ten times as many places, and the function reaches from "
    "about -1.1 to 1.7. Mean over {seeds} with {interval}. {machine} `{command}` reproduces the "
    "table.",
    seeds=5,
    page="docs/claims/approximation.md",
    figure=figure,
)
