"""Trainings that do not learn, learn badly, overfit or underfit, and changes that mend each."""

import functools
import itertools
import shlex
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.errors import TrainingError
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.runs import Trained
from fashion_zoo.show.plots import canvas
from recipes._lines import flags
from recipes.experiments import _training
from recipes.experiments._figures import WIDTH
from recipes.experiments._troubles import (
    CURES,
    DEVIATION,
    EPOCHS,
    FAULTS,
    IMAGES,
    PENALTY,
    RECIPE,
    TROUBLES,
    Changes,
    changes_of,
    training_of,
)
from recipes.experiments._units import NATS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INSPECTED = 512  # training images
TOP = 2.6  # nats: a little more than the loss of a guess
NEAR = {"validation": (0.9, 2.0), "training": (0.0, 3.0)}  # times the lowest validation loss
NOTHING, ENDED = "nothing", "the training ends with an error"
STOPPED = "overfits, early stopping"
"""The cure that keeps the epoch with the least validation loss, by which the others are judged."""


def measure(arm: str, seed: int, data: Dataset) -> Row:
    """Train as an arm does, with its images and labels; return curves and findings.

    A training that diverges has no curves, the accuracy of a guess, and no validation loss.
    """
    training = training_of(arm)
    usual = {"training": {"epochs": EPOCHS}}
    changes = [one for one in changes_of(arm) if "data" not in one]  # they are loaded
    if training.fault:
        data = FAULTS[training.fault](data, seed)
    try:
        return _training.look_at(
            training.recipe, data, seed, usual, *changes, evaluate=False,
            look=functools.partial(_looked_at, data=data),
        )  # fmt: skip
    except TrainingError:
        return {"validation_accuracy": 1 / len(data.class_names), "findings": ENDED}


def _looked_at(done: Trained, data: Dataset) -> Row:
    import fashion_zoo

    found = fashion_zoo.inspect(done.run, data=data, images=INSPECTED, progress=False)["findings"]
    kinds = dict.fromkeys(one["kind"].replace("_", " ") for one in found)
    return {
        "loss": done.history["loss"][-1],
        "validation_loss": done.training["validation_loss"],
        "validation_accuracy": done.training["validation_accuracy"],
        "findings": ", ".join(kinds) or NOTHING,
        "training_curve": _training.joined(done.history["loss"]),
        "validation_curve": _training.joined(done.history["val_loss"]),
    }


def settings(_: Measured, arm: str) -> str:
    """Return the options of an arm; those of a cure are added to those of its trouble.

    What is done to images or labels is in words.
    """
    training = training_of(arm)
    words = _options(training.changes)
    if training.recipe != RECIPE:
        return f"`{training.recipe} {' '.join(map(_options, changes_of(arm)))}".rstrip() + "`"
    if not words:
        return training.fault or "none"
    return f"and `{words}`" if arm in CURES else f"`{words}`"


def _options(changes: Changes) -> str:
    return shlex.join(itertools.chain.from_iterable(flags(changes)))


def loss(header: str, metric: str) -> columns.Column:
    """Return a column of the mean of a loss over the seeds that reached their end, if any."""

    def cell(measured: Measured, arm: str) -> str | None:
        values = _ended(measured, arm, metric)
        return columns.mean(values, ".2f", bounds=POSITIVE) if values else None

    return columns.Column(header, cell)


def _ended(measured: Measured, arm: str, metric: str) -> list[Any]:
    """Return a metric of the seeds that did not diverge, which have no others."""
    rows = measured.by_arm.get(arm, {}).values()
    return [row[metric] for row in rows if row.get(metric) is not None]


def found(measured: Measured, arm: str) -> str:
    """Return what an inspection finds, with the number of seeds if not of all."""
    texts = measured.values(arm, "findings")
    return "; ".join(
        text
        if (number := texts.count(text)) == len(texts)
        else f"{text} ({number} of {len(texts)})"
        for text in dict.fromkeys(texts)
    )


def _panel(axis: "Axes", measured: Measured, trouble: str) -> None:
    """Draw the losses of a trouble and its cures; one that diverged has none.

    The axis is logarithmic if one of them is above ``TOP`` to its end.
    """
    for number, arm in enumerate(_drawn(trouble)):
        style = _style(number, arm, trouble)
        _curve(axis, _ended(measured, arm, "validation_curve"), **style)
        _curve(axis, _ended(measured, arm, "training_curve"), **style | {"label": None}, alpha=0.3)
    if any(np.min(np.asarray(line.get_ydata())) > TOP for line in axis.lines):
        axis.set_yscale("log")
    else:
        axis.set_ylim(0, TOP)
    _finish(axis, trouble)


def _pair(axes: "Sequence[Axes]", measured: Measured, trouble: str) -> None:
    """Draw the validation loss of a trouble and its cures, near the lowest, and the training loss.

    In one panel so many curves would hide each other.
    """
    curves = [_ended(measured, arm, "validation_curve") for arm in _drawn(trouble)]
    ends = [float(min(_training.mean_curve(one))) for one in curves if one]
    lowest = min(ends, default=1.0)
    for axis, (metric, (low, high)) in zip(axes, NEAR.items(), strict=True):
        for number, arm in enumerate(_drawn(trouble)):
            style = _style(number, arm, trouble)
            _curve(axis, _ended(measured, arm, f"{metric}_curve"), **style)
        axis.set_ylim(low * lowest, high * lowest)
        _finish(axis, f"{trouble}: {metric} loss", legend=metric == "validation")


def _drawn(trouble: str) -> list[str]:
    """Return a trouble and its cures, but for a penalty, which would be part of the losses."""
    own = [arm for arm, (name, one) in CURES.items() if name == trouble and one.changes != PENALTY]
    return [trouble, *own]


def _short(arm: str, trouble: str) -> str:
    return "unchanged" if arm == trouble else arm.removeprefix(f"{trouble}, ")


def _style(number: int, arm: str, trouble: str) -> dict[str, Any]:
    return canvas.style(number, textwrap.fill(_short(arm, trouble), 20))


def _finish(axis: "Axes", title: str, legend: bool = True) -> None:
    axis.set_title(title, size=10)
    axis.tick_params(labelsize=9)
    if axis.lines and legend:
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9, frameon=False)
    axis.grid(alpha=0.3)


def _curve(axis: "Axes", cells: Sequence[Any], **style: Any) -> None:
    if cells:
        means = _training.mean_curve(cells)
        axis.plot(range(1, len(means) + 1), means, marker="." if len(means) == 1 else "", **style)


def figure(measured: Measured) -> "Figure":
    """Draw the losses of each trouble and its cures over the epochs.

    A trouble has a panel. One that overfits has two, which come first.
    """
    present = (one for one in TROUBLES if one in measured.by_arm)
    shown = sorted(present, key=lambda one: not TROUBLES[one].overfits)
    panels = [one for one in shown for _ in range(1 + TROUBLES[one].overfits)]
    whole, axes = canvas.grid(WIDTH, 1.2 + 1.7 * len(panels), len(panels), 1)
    for trouble in shown:
        own = [axis for axis, name in zip(axes, panels, strict=False) if name == trouble]
        if len(own) > 1:
            _pair(own, measured, trouble)
        else:
            _panel(own[0], measured, trouble)
    axes[-1].set_xlabel("epoch")
    canvas.annotate(
        whole,
        "Trainings that go wrong, and what mends them",
        "Validation loss over the epochs, and faint the training loss, or below it where a "
        "training overfits; means over the seeds. One that diverged has none. An L2 penalty is "
        "not drawn, since it is part of its losses.",
    )
    return whole


def claim(arm: str, trouble: str) -> Claim:
    """Return the claim that a cure mends its trouble."""
    kind, _, reason = trouble.partition(": ")
    why = f" ({reason})" if reason else ""
    text = f"A training that {kind}{why} is better with {_short(arm, trouble)}."
    if TROUBLES[trouble].overfits:
        own = dict(NATS)
        return Claim(arm, trouble, "validation_loss", "lower", text=text, **own)
    return Claim(arm, trouble, "validation_accuracy", text=text)


def arms() -> list[Arm]:
    """Return each trouble, and after it its cures."""
    found = []
    for name, one in TROUBLES.items():
        for arm in (name, *(cure for cure, (trouble, _) in CURES.items() if trouble == name)):
            data = {"limit": one.images} | dict(training_of(arm).changes.get("data", {}))
            program = functools.partial(measure, arm)
            found.append(Arm(arm, changes={"data": data}, program=program))
    return found


EXPERIMENT = Experiment(
    name="debugging",
    question="What mends a training that does not learn, learns badly, overfits or underfits?",
    arms=arms(),
    claims=[claim(arm, trouble) for arm, (trouble, _) in CURES.items() if arm != STOPPED],
    columns=[
        columns.name("training", code=lambda arm: False),
        columns.Column("options", settings),
        loss("training loss", "loss"),
        loss("validation loss", "validation_loss"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.against(
            "points gained",
            "validation_accuracy",
            {arm: trouble for arm, (trouble, _) in CURES.items()},
        ),
        columns.Column("`inspect` finds", found),
    ],
    note=f"`{RECIPE}` or the recipe that is named, with {IMAGES:,} images and {EPOCHS} epochs, but "
    f"for the options, and with {TROUBLES['overfits'].images:,} images where it overfits. Options "
    "of a cure are added to those of its trouble; what no option does is in words, and a cure with "
    "`none` is without it. `relu_of_large_kernels` is ReLU behind normal kernels with a standard "
    f"deviation of {DEVIATION:g}. Of the labels, only those of training images are made wrong, and "
    "the audit reads the validation images too. Mean over {seeds} with {interval}, the interval "
    "for these images; gains are paired by seed. The training loss is that of the last line of "
    "`history.csv`: with dropout, augmentation and penalty, as it is trained. Validation loss, "
    "without the penalty, and accuracy are of the weights that are kept. A training that ends with "
    "an error has the accuracy of a guess and no losses; losses are those of the other seeds. "
    "Nothing is claimed of early stopping, which keeps the weights with the least validation loss. "
    "{machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}}),
    page="docs/debugging.md",
    figure=figure,
)
