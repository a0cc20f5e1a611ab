"""What experiments share: trainings that leave only their figures, and curves over epochs."""

import contextlib
import functools
import statistics
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset
from fashion_zoo.errors import TrainingError
from fashion_zoo.evaluation.statistics import ANYTHING, POSITIVE, Bounds, mean_interval
from fashion_zoo.experiments import Measured, columns
from fashion_zoo.language.wording import percent
from fashion_zoo.registry import recipe
from fashion_zoo.runs import Run, Trained
from fashion_zoo.show.plots import canvas
from fashion_zoo.show.progress import Display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Looked = TypeVar("Looked")

GUESS = 0.1
"""The accuracy of a guess among ten classes."""
LEVEL = 0.9
"""The validation accuracy to whose first epoch epochs are counted."""
NEAR = 0.06
"""The range of accuracies that ``near`` shows."""


class Figures(NamedTuple):
    """What is left of a training."""

    validation_accuracy: float
    history: Mapping[str, Sequence[float]]
    """The columns of ``history.csv``, a value per epoch."""
    test_accuracy: float | None
    """None if the test images were not evaluated."""
    correct: str | None
    """Which test images are classified correctly, as ``experiments.correct`` has it."""


def look_at(
    name: str,
    data: Dataset,
    seed: int,
    *changes: Mapping[str, Any],
    look: Callable[[Trained], Looked],
    evaluate: bool = True,
    callbacks: Sequence[Any] = (),
) -> Looked:
    """Train a recipe with changes, applied in order, into a folder that is not kept.

    Return what ``look`` finds in the result; raise TrainingError if the training diverges.
    """
    import fashion_zoo

    config = functools.reduce(override, changes, recipe(name).config)
    with tempfile.TemporaryDirectory() as folder:
        done = fashion_zoo.train(
            name, config=config, seed=seed, run_dir=Path(folder) / "run", data=data, export=False,
            evaluate=False, progress=False, callbacks=callbacks,
        )  # fmt: skip
        if evaluate:  # without the pictures of an evaluation, which take longer than it
            found = fashion_zoo.evaluate(done.run.load_model(), data=data, progress=False)
            done = done._replace(evaluation=found)
        return look(done)


def figures_of(
    name: str,
    data: Dataset,
    seed: int,
    *changes: Mapping[str, Any],
    evaluate: bool = True,
    callbacks: Sequence[Any] = (),
) -> Figures | None:
    """Train as ``look_at`` does; return None if the training diverges."""
    with contextlib.suppress(TrainingError):
        return look_at(
            name, data, seed, *changes, look=figures, evaluate=evaluate, callbacks=callbacks
        )
    return None


def figures(done: Trained) -> Figures:
    """Return what is left of a training."""
    found = done.evaluation or {}
    accuracy = found["accuracy"]["value"] if found else None
    return Figures(
        done.training["validation_accuracy"], dict(done.history), accuracy, found.get("correct")
    )


def row_of(done: Figures) -> dict[str, Any]:
    """Return the columns of a training: accuracies, curves, and epochs to ``LEVEL`` or 0."""
    return {
        "validation_accuracy": done.validation_accuracy,
        "test_accuracy": done.test_accuracy,
        "correct": done.correct,
        **curves_of(done.history),
    }


def curves(run: Run) -> dict[str, Any]:
    """Return the curves of a run."""
    return curves_of(run.history())


def curves_of(history: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return the columns of a history, as texts, and the first epoch that reaches ``LEVEL``."""
    return {
        "epochs_to_level": first_epoch(history["val_accuracy"]),
        "curve": joined(history["val_accuracy"]),
        "training_loss": joined(history["loss"]),
        "validation_loss": joined(history["val_loss"]),
    }


def first_epoch(accuracies: Sequence[float]) -> int:
    """Return the first epoch, from 1, with an accuracy of ``LEVEL``; 0 if there is none."""
    return next((n for n, value in enumerate(accuracies, 1) if value >= LEVEL), 0)


def other_labels(labels: np.ndarray, classes: int, generator: np.random.Generator) -> np.ndarray:
    """Return (count,) labels, each of another class than before, drawn uniformly."""
    return (labels + generator.integers(1, classes, len(labels))) % classes


def joined(values: Iterable[float]) -> str:
    """Return numbers as the text of one cell of a CSV file."""
    return " ".join(f"{value:.4f}" for value in values)


def numbers(cell: Any) -> list[float]:
    """Return the numbers of a cell; the file has a single one as a number."""
    return [float(one) for one in str(cell).split()]


def mean_of(measured: Measured, arm: str, column: str) -> np.ndarray:
    """Return the mean over the seeds of the numbers in a column, one per place."""
    return mean_curve(measured.values(arm, column))


def mean_curve(cells: Iterable[Any]) -> np.ndarray:
    """Return the mean of the numbers in cells, as long as the shortest; one may end early."""
    return np.mean([*zip(*map(numbers, cells), strict=False)], axis=1)


def draw(
    axis: "Axes", measured: Measured, column: str, places: Sequence[float] | None = None, **own: Any
) -> None:
    """Draw the mean of a column for each arm, by epoch or by other ``places``."""
    for number, arm in enumerate(measured.by_arm):
        mean = mean_of(measured, arm, column)
        along = range(1, len(mean) + 1) if places is None else places
        axis.plot(along, mean, **{**canvas.style(number, arm), **own})
    if places is None:
        canvas.whole_ticks(axis, len(mean))
        axis.set_xlabel("epoch")
    axis.grid(alpha=0.3)


def dot(
    axis: "Axes",
    place: float,
    values: Sequence[float],
    bounds: Bounds = ANYTHING,
    *,
    across: bool = False,
    **style: Any,
) -> None:
    """Draw a mean with its 95 % interval, along y, or along x with ``across``."""
    mean, ends = statistics.fmean(values), mean_interval(values, bounds)
    spread = [[mean - ends.low], [ends.high - mean]]
    at = {"x": mean, "y": place, "xerr": spread} if across else {"x": place, "y": mean}
    axis.errorbar(**at, yerr=None if across else spread, fmt="o", capsize=3, **style)


def near(axis: "Axes", best: float) -> None:
    """Show the accuracies near the best one: a range of all would make one line of these."""
    axis.set_ylim(best - NEAR, best + NEAR / 10)


def reached(header: str, metric: str, form: str) -> columns.Column:
    """Return the mean over the seeds that reached ``LEVEL``, and how many if not all did."""

    def cell(measured: Measured, arm: str) -> str | None:
        values = measured.values(arm, metric)
        found = [value for value in values if value]
        text = columns.mean(found, form, bounds=POSITIVE) if found else "not reached"
        return text if len(found) in (0, len(values)) else f"{text}, {len(found)} of {len(values)}"

    return columns.Column(header, cell)


def sweep(
    rates: Sequence[float],
    train: Callable[[float], Figures | None],
    display: Display | None = None,
) -> tuple[list[float], list[Figures | None]]:
    """Train with each rate; return validation accuracies, ``GUESS`` of what diverged, and all.

    A display shows a line for each training.
    """
    done: list[Figures | None] = []
    for rate in rates:
        done.append(one := train(rate))
        if display:
            found = f"validation {percent(one.validation_accuracy)}" if one else "the loss diverged"
            display.say(f"rate {rate:.2g}: {found}")
    return [one.validation_accuracy if one else GUESS for one in done], done


def geometric(header: str, metric: str) -> columns.Column:
    """Return a column of geometric means, of learning rates."""

    def cell(measured: Measured, arm: str) -> str:
        return f"{statistics.geometric_mean(measured.values(arm, metric)):.2g}"

    return columns.Column(header, cell, right=True)
