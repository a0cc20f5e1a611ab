"""Exercise: six dropout rates, how far each overfits, and which is the best."""

import functools
import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fashion_zoo import experiments
from fashion_zoo.evaluation.statistics import ANYTHING, FRACTION, Bounds
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, columns
from fashion_zoo.show.plots import canvas
from recipes.experiments import _training
from recipes.experiments._figures import WIDTH
from recipes.experiments._units import NATS
from recipes.experiments.dropout import gap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARMS: Mapping[str, float] = {f"rate {rate:g}": rate for rate in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)}
NONE, *SOME = ARMS


def best(measured: Measured) -> str | None:
    """Return the rate with the best mean validation accuracy; not by the test set."""
    return measured.best("validation_accuracy", ARMS)


def seeds_won(measured: Measured, arm: str) -> str:
    """Return of how many seeds the validation accuracy of an arm is the highest."""
    each = measured.by_arm.values()
    shared = [seed for seed in measured.by_arm[arm] if all(seed in rows for rows in each)]
    reached = [
        {name: rows[seed]["validation_accuracy"] for name, rows in measured.by_arm.items()}
        for seed in shared
    ]
    won = sum(one[arm] == max(one.values()) for one in reached)
    return f"{won} of {len(shared)}"


def losses(measured: Measured, arm: str, training: bool) -> str:
    """Return the validation or the training loss of the final weights, both without dropout."""
    final = [_training.numbers(cell)[-1] for cell in measured.values(arm, "validation_loss")]
    gaps = measured.values(arm, "gap") if training else [0.0] * len(final)
    return columns.mean([loss - gap for loss, gap in zip(final, gaps, strict=True)])


def figure(measured: Measured) -> "Figure":
    """Draw the curves of each rate, and by rate the accuracy and the gap."""
    whole, axes = canvas.grid(WIDTH, 12, 4, 1)
    _training.draw(axes[0], measured, "curve")
    _training.draw(axes[1], measured, "validation_loss")
    _training.draw(axes[1], measured, "training_loss", alpha=0.35, label="_training")
    axes[0].set(ylabel="validation accuracy")
    axes[1].set(ylabel="loss, of training faint", yscale="log")
    axes[0].legend(fontsize=8)
    canvas.in_percent(axes[0])
    _by_rate(axes[2], measured, "validation_accuracy", FRACTION)
    _by_rate(axes[3], measured, "gap")
    axes[2].set(ylabel="validation accuracy")
    axes[3].set(ylabel="gap of the losses, nats")
    canvas.in_percent(axes[2])
    reached = [
        statistics.fmean(measured.values(arm, "validation_accuracy")) for arm in measured.by_arm
    ]
    for axis in (axes[0], axes[2]):
        _training.near(axis, max(reached))
    canvas.annotate(
        whole,
        "Six dropout rates",
        "baseline_mlp, means over the seeds with 95 % intervals. Accuracies more than "
        f"{100 * _training.NEAR:.0f} points below the best are in the table only. The training "
        "loss of the curves is with dropout, that of the gap without.",
    )
    return whole


def _by_rate(axis: "Axes", measured: Measured, metric: str, bounds: Bounds = ANYTHING) -> None:
    for number, arm in enumerate(measured.by_arm):
        color = canvas.style(number, arm)["color"]
        _training.dot(axis, ARMS[arm], measured.values(arm, metric), bounds, color=color)
    axis.set_xlabel("dropout rate")
    axis.grid(alpha=0.3)


EXPERIMENT = Experiment(
    name="dropout_rates",
    question="Which dropout rate is best, and how far does each overfit?",
    arms=[Arm(name, "baseline_mlp", {"model": {"dropout": rate}}) for name, rate in ARMS.items()],
    claims=[
        *(Claim(arm, NONE) for arm in SOME[:3]),
        Claim(SOME[-1], NONE, direction="lower"),
        *(Claim(arm, NONE, "gap", "lower", **NATS) for arm in ("rate 0.3", "rate 0.5")),
    ],
    metrics=(
        experiments.validation_accuracy,
        experiments.test_accuracy,
        gap,
        _training.curves,
    ),
    columns=[
        columns.name("dropout", code=lambda arm: False),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.Column("best of the seed", seeds_won),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against(
            "points of test accuracy against the best rate", "test_accuracy", best, itself="best"
        ),
        columns.Column("training loss", functools.partial(losses, training=True)),
        columns.Column("validation loss", functools.partial(losses, training=False)),
        columns.value("gap", "gap", "+.3f"),
    ],
    note="`baseline_mlp`, which has no batch normalization, on all images for 20 epochs; mean over "
    "{seeds} with {interval}; it is the interval for these images. The best rate is the one with "
    "the highest mean validation accuracy; beside it is of how many seeds each rate is the best. "
    "Losses are those of the final weights, without dropout, and the gap is validation loss minus "
    "training loss. Differences are paired by seed. {machine} `{command}` reproduces the table.",
    seeds=5,
    page="docs/exercises/dropout.md",
    figure=figure,
)
