"""Exercise: batch normalization, none, before and after the activation."""

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.errors import TrainingError
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.show.plots import canvas
from fashion_zoo.show.progress import Display
from recipes.experiments import _looking, _training
from recipes.experiments._figures import WIDTH, legend_above
from recipes.experiments._units import POWERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARMS: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "before": {"normalization": "batch"},
    "after": {"normalization": "batch", "normalization_position": "after"},
}
RATES = tuple(10 ** (-3 + number / 2) for number in range(7))
"""Learning rates that are tried with each seed, from 0.001 to 1."""
TRIAL_EPOCHS = 3
TOLERATED_LOSS = 0.02
"""A rate is tolerated if its validation accuracy is below the best one by less than this."""
LOOKED_AT = 1_000  # validation images whose activations are measured
BAND = (0.05, 0.5, 0.95)
"""Quantiles of the inputs of a layer's activations."""


def measure(
    arm: str,
    seed: int,
    data: Dataset,
    rates: Sequence[float] = RATES,
    trial_epochs: int = TRIAL_EPOCHS,
    epochs: int = 20,
    display: Display | None = None,
) -> Row:
    """Try the rates, train with the best one, and look at the activations after each epoch."""
    found = tolerated(ARMS[arm], seed, data, rates, trial_epochs, display)
    watcher, seen = watch(data.validation.images[:LOOKED_AT])
    rate = found["learning_rate"]
    done = _train(ARMS[arm], seed, data, rate, epochs, callbacks=[watcher])
    if done is None:
        raise TrainingError(f"With a learning rate of {rate:g} the loss diverges.")
    return {**found, **_training.row_of(done), **summary(seen)}


def tolerated(
    model: Mapping[str, Any],
    seed: int,
    data: Dataset,
    rates: Sequence[float] = RATES,
    epochs: int = TRIAL_EPOCHS,
    display: Display | None = None,
) -> Row:
    """Train with each rate; return the one that validation prefers, and the largest tolerated."""

    def train(rate: float) -> _training.Figures | None:
        return _train(model, seed, data, rate, epochs, evaluate=False)

    tried = _training.sweep(rates, train, display)[0]
    return {
        "learning_rate": rates[int(np.argmax(tried))],
        "largest_rate": (largest := largest_rate(rates, tried)),
        "log10_of_the_largest_rate": math.log10(largest),
        "rates": " ".join(f"{one:.4g}" for one in rates),
        "tried": _training.joined(tried),
    }


def _train(
    model: Mapping[str, Any], seed: int, data: Dataset, rate: float, epochs: int, **own: Any
) -> _training.Figures | None:
    changes = {"model": model, "training": {"learning_rate": rate, "epochs": epochs}}
    return _training.figures_of("baseline_mlp", data, seed, changes, **own)


def largest_rate(rates: Sequence[float], tried: Sequence[float]) -> float:
    """Return the rate at which accuracy falls below the best one by ``TOLERATED_LOSS``.

    Between two rates that were tried it is interpolated on the logarithm; it is the last one where
    no rate behind the best falls as low.
    """
    least, best = max(tried) - TOLERATED_LOSS, int(np.argmax(tried))
    for place in range(best, len(rates) - 1):
        here, there = tried[place], tried[place + 1]
        if there < least:
            share = (here - least) / (here - there)
            return float(rates[place] * (rates[place + 1] / rates[place]) ** share)
    return float(rates[-1])


def watch(images: np.ndarray) -> tuple[Any, list[list[np.ndarray]]]:
    """Return a callback, and the list to which it adds the inputs of all activations per epoch.

    The inputs are of each hidden layer, (images, units) float32, without dropout.
    """
    import keras

    seen: list[list[np.ndarray]] = []

    def look(epoch: int, logs: Any) -> None:
        model = watcher.model
        taps = [layer.input for layer in model.layers if layer.name.startswith("relu_")]
        outputs = keras.Model(model.input, taps)(images, training=False)
        seen.append([keras.ops.convert_to_numpy(one) for one in outputs])

    watcher = keras.callbacks.LambdaCallback(on_epoch_end=look)
    return watcher, seen


def summary(seen: Sequence[Sequence[np.ndarray]]) -> Row:
    """Return the quantiles of each layer after each epoch, and the drift of the units.

    The drift of an epoch is by how much the mean of a unit moves in it, in standard deviations of
    this unit before: the median over the units that were not constant. What is returned is the
    mean over the epochs.
    """
    found: Row = {}
    for layer, epochs in enumerate(zip(*seen, strict=True), start=1):
        quantiles = np.concatenate([np.quantile(one, BAND) for one in epochs])
        found[f"layer_{layer}"] = _training.joined(quantiles)
    moved = _looking.drifts(seen)
    return {**found, "drift": float(np.mean(moved)), "drifts": _training.joined(moved)}


TOLERATED = columns.value("largest rate that it tolerates", "largest_rate", ".3f", POSITIVE)


def figure(measured: Measured) -> "Figure":
    """Draw curves, learning rates and drift, and the activations of each layer over time."""
    layers = [name for name in measured.rows[0] if name.startswith("layer_")]
    bands = list(itertools.product(measured.by_arm, layers))
    rows = 2 + math.ceil(len(bands) / 2)
    whole, axes = canvas.grid(WIDTH, 1 + 2 * rows, rows, 2, used=4 + len(bands))
    _training.draw(axes[0], measured, "curve")
    axes[0].set(ylabel="validation accuracy")
    _training.draw(axes[1], measured, "training_loss")
    axes[1].set(ylabel="training loss")
    rates = _training.numbers(measured.rows[0]["rates"])
    _training.draw(axes[2], measured, "tried", rates)
    axes[2].set(xscale="log", xlabel="learning rate", ylabel="validation accuracy,\nshort training")
    _training.draw(axes[3], measured, "drifts")
    axes[3].set(ylabel="drift per epoch")
    legend_above(axes[0])
    for axis in (axes[0], axes[2]):
        canvas.in_percent(axis)
    for axis, (arm, layer) in zip(axes[4:], bands, strict=False):
        _band(axis, measured, arm, layer)
    canvas.annotate(
        whole,
        "Batch normalization: none, before and after the activation",
        "baseline_mlp, means over the seeds. Below: the inputs of the activations of "
        "each hidden layer, their median and the range of 90 %, on 1,000 validation images.",
    )
    return whole


def _band(axis: "Axes", measured: Measured, arm: str, layer: str) -> None:
    low, middle, high = _training.mean_of(measured, arm, layer).reshape(-1, len(BAND)).T
    epochs = range(1, len(low) + 1)
    axis.fill_between(epochs, low, high, alpha=0.3)
    axis.plot(epochs, middle)
    axis.set_title(f"{arm}, {layer.replace('_', ' ')}", size=9)
    axis.set_xlabel("epoch")
    canvas.whole_ticks(axis, len(low))
    axis.grid(alpha=0.3)


def arms(**settings: Any) -> list[Arm]:
    """Return the arms, with other arguments of ``measure``."""
    return [Arm(name, program=functools.partial(measure, name, **settings)) for name in ARMS]


def _wider(arm: str) -> Claim:
    return Claim(
        arm, "none", "log10_of_the_largest_rate", **POWERS,
        text=f"`{arm}` tolerates larger learning rates.",
        number="C6",
    )  # fmt: skip


STEADIER = Claim(
    "before", "none", "drift", "lower", unit="", scale=1, form=".3f",
    text="Normalization before the activation keeps its inputs steadier, each at its own rate.",
    number="C4",
)  # fmt: skip
EXPERIMENT = Experiment(
    name="batch_norm",
    question="What does batch normalization do, before or after the activation?",
    arms=arms(),
    claims=[
        Claim("before", "none"),
        Claim("after", "none"),
        Claim("before", "after", number="C13"),
        _wider("before"),
        _wider("after"),
        STEADIER,
    ],
    columns=[
        columns.name("batch normalization", code=lambda arm: False),
        _training.geometric("learning rate", "learning_rate"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points of test accuracy against none", "test_accuracy", "none"),
        TOLERATED,
        columns.value("drift", "drift", bounds=POSITIVE),
    ],
    note="`baseline_mlp` on all images, with batch normalization as stated; mean over {seeds} with "
    f"{{interval}}; it is the interval for these images. With each seed {len(RATES)} learning "
    f"rates from 0.001 to 1 are tried for {TRIAL_EPOCHS} epochs, and the one with the best "
    "validation accuracy trains 20; the table has their geometric mean. A rate is tolerated if its "
    f"accuracy is within {100 * TOLERATED_LOSS:.0f} points of the best one, interpolated between "
    "two that were tried; where the next one diverges it is hardly more than the last one tried, "
    "and may be up to half a power of ten too low, which the interval does not contain. The drift "
    "of an epoch is by how much the mean input of an activation moves in it, in standard "
    "deviations. Differences are paired by seed. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick(
        {"data": {"limit": 2_000}},
        arms=arms(rates=(1e-3, 1e-1), trial_epochs=1, epochs=4),
    ),
    page="docs/exercises/batch-normalization.md",
    figure=figure,
)
