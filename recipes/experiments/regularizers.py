"""Exercise: batch normalization, dropout and weight decay, alone and together."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo import experiments
from fashion_zoo.experiments import Arm, Contrast, Experiment, Measured, columns, effects, page
from fashion_zoo.experiments.experiment import Places
from fashion_zoo.show.plots import canvas
from recipes.experiments import _training
from recipes.experiments._figures import WIDTH
from recipes.experiments._units import NATS
from recipes.experiments.dropout import gap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FACTORS: Mapping[str, tuple[str, str, Any]] = {
    "batch norm": ("model", "normalization", "batch"),
    "dropout": ("model", "dropout", 0.2),
    "decay": ("training", "weight_decay", 0.1),
}
"""Factor to what it sets: part of the config, field and value."""
NOTHING = "none of them"


def _changes(factors: frozenset[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for part, field, value in (FACTORS[one] for one in FACTORS if one in factors):
        changes.setdefault(part, {})[field] = value
    return changes


SETS = [
    frozenset(some)
    for count in range(len(FACTORS) + 1)
    for some in itertools.combinations(FACTORS, count)
]
NAMES = {some: " + ".join(one for one in FACTORS if one in some) or NOTHING for some in SETS}
EFFECTS = effects(list(FACTORS), NAMES)


def _contrast(name: str, metric: str = "test_accuracy", **own: Any) -> Contrast:
    return Contrast(name, metric=metric, weights=EFFECTS[name], **own)


def table(measured: Measured) -> str:
    """Return the table of main effects and interactions; a cell is empty if an arm is missing."""

    def cell(name: str, metric: str, write: columns.Write) -> str | None:
        values = _contrast(name, metric).pair(measured)[1]
        return write(values) if values else None

    lines = [
        [
            name,
            cell(name, "test_accuracy", columns.points),
            cell(name, "gap", lambda values: columns.mean(values, "+.3f")),
        ]
        for name in EFFECTS
    ]
    return page.table(["effect", "points of test accuracy", "gap, nats"], lines)


def more(measured: Measured, places: Places) -> dict[Path, str]:
    """Return the published page with the table of effects, which is below the other one."""
    own = places.page or Path()
    return {own: page.filled(own, {"effects": table(measured)})}


def figure(measured: Measured) -> "Figure":
    """Draw the curves of all arms, and main effects and interactions with their intervals."""
    whole, axes = canvas.grid(WIDTH, 11, 3, 1)
    _training.draw(axes[0], measured, "curve")
    axes[0].set(ylabel="validation accuracy")
    axes[0].legend(fontsize=8)
    canvas.in_percent(axes[0])
    _draw_effects(axes[1], measured, "test_accuracy", 100, "effect on test accuracy, points")
    _draw_effects(axes[2], measured, "gap", 1, "effect on the gap, nats")
    canvas.annotate(
        whole,
        "Batch normalization, dropout and weight decay: a factorial design",
        "baseline_mlp with AdamW, mean over the seeds with 95 % intervals, each by itself. An x is "
        "an interaction: half of what the effect of one changes with the other.",
    )
    return whole


def _draw_effects(axis: "Axes", measured: Measured, metric: str, scale: float, label: str) -> None:
    names = list(EFFECTS)
    for place, name in enumerate(names):
        values = [scale * one for one in _contrast(name, metric).pair(measured)[1]]
        if values:  # all arms were measured
            _training.dot(axis, place, values, across=True, color=canvas.TRAINING)
    axis.axvline(0, color=canvas.QUIET, linewidth=1)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(label)
    axis.grid(alpha=0.3)


EXPERIMENT = Experiment(
    name="regularizers",
    question="Do batch normalization, dropout and weight decay add up?",
    arms=[Arm(NAMES[some], "baseline_mlp", _changes(some)) for some in SETS],
    settings={"training": {"optimizer": "adamw"}},
    claims=[
        *(_contrast(name) for name in FACTORS),
        *(_contrast(name, direction="lower") for name in EFFECTS if name.count(" x ") == 1),
        *(_contrast(name, "gap", direction="lower", **NATS) for name in FACTORS),
    ],
    metrics=(
        experiments.validation_accuracy,
        experiments.test_accuracy,
        gap,
        _training.curves,
    ),
    columns=[
        columns.name("with", code=lambda arm: False),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points of test accuracy against none", "test_accuracy", NOTHING),
        columns.value("gap", "gap", "+.3f"),
    ],
    note="`baseline_mlp` with AdamW, on all images for 20 epochs; dropout 0.2, decoupled weight "
    "decay 0.1. Mean over {seeds} with {interval}; it is the interval for these images. The gap is "
    "validation loss minus training loss of the final weights, both without dropout. Differences "
    "are paired by seed. An effect is the mean of the arms with a factor minus that of the arms "
    "without it; an interaction of two is half of what the effect of one changes with the other. "
    "{machine} `{command}` reproduces the table.",
    seeds=5,
    page="docs/exercises/regularization.md",
    figure=figure,
    more=more,
)
