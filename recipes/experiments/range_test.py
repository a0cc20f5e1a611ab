"""The suggestions of a range test beside the best of a grid of learning rates."""

import functools
import math
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fashion_zoo import experiments
from fashion_zoo.data import Dataset
from fashion_zoo.evaluation.statistics import FRACTION
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.runs import Run
from fashion_zoo.show.plots import canvas
from recipes.experiments import _training
from recipes.experiments._figures import WIDTH, legend_above
from recipes.experiments._units import POWERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RECIPES = ("baseline_mlp", "bn_mlp")
GRID = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2)
RULES = ("steepest", "valley", "minimum", "slide")
RECOMMENDED = "slide"  # by ``find_lr``
FACTOR = 3  # a suggestion within it of the best of the grid is near
NEAR = 0.003  # a test accuracy at most so much lower is as good
SWEEPS = 3  # of each range test, as of the command
TRAINING: Row = {"epochs": 10}


def rate_of(run: Run) -> Row:
    """Return the learning rate of a run."""
    return _rate(run.config.training.learning_rate)


def _rate(rate: float) -> Row:
    return {"learning_rate": rate, "log10_of_the_rate": math.log10(rate)}


@functools.cache
def suggestions(name: str, seed: int, data: Dataset) -> dict[str, float]:
    """Return the rate that each rule suggests; no two seeds share a sweep."""
    import fashion_zoo

    found = fashion_zoo.find_lr(name, data=data, seed=SWEEPS * seed, seeds=SWEEPS, progress=False)
    return {rule: float(f"{one.rate:.1e}") for rule, one in found.suggestions.items()}


def measure(name: str, rule: str, training: Row, seed: int, data: Dataset) -> Row:
    """Train a recipe with the rate that a rule suggests, and other changes of its training."""
    rate = suggestions(name, seed, data)[rule]
    changes = {"training": {**training, "learning_rate": rate}}
    done = _training.look_at(name, data, seed, changes, look=_training.figures)
    return {
        **_rate(rate),
        "validation_accuracy": done.validation_accuracy,
        "test_accuracy": done.test_accuracy,
        "correct": done.correct,
    }


def arms(**training: Any) -> list[Arm]:
    """Return those of the grid, which have no row, the defaults, and those of the rules."""
    found = []
    for name in RECIPES:
        found += [
            Arm(one, name, {"training": {"learning_rate": rate}}, shown=False)
            for one, rate in zip(_grid(name), GRID, strict=True)
        ]
        found += [Arm(f"{name}, default", name)]
        found += [
            Arm(f"{name}, {rule}", program=functools.partial(measure, name, rule, training))
            for rule in RULES
        ]
    return found


def _grid(name: str) -> list[str]:
    return [f"{name}, {rate:g}" for rate in GRID]


def best_of(name: str) -> Callable[[Measured], str | None]:
    """Return what chooses the best of the grid by validation accuracy; of those that converged."""

    def best(measured: Measured) -> str | None:
        converged = [arm for arm in _grid(name) if arm not in measured.diverged]
        return measured.best("validation_accuracy", converged)

    return best


def _of_own(header: str, cell: Callable[[Measured, str, str], str | None]) -> columns.Column:
    """Return a column that compares an arm with the best of the grid of its recipe."""

    def write(measured: Measured, arm: str) -> str | None:
        base = best_of(arm.split(", ")[0])(measured)
        return cell(measured, arm, base) if base else None

    return columns.Column(header, write)


def _factor(measured: Measured, arm: str, base: str) -> str | None:
    powers = measured.paired(arm, base, "log10_of_the_rate")
    return f"{10 ** statistics.fmean(powers):.2g}" if powers else None


def _points(measured: Measured, arm: str, base: str) -> str | None:
    return columns.difference(measured, arm, base, "test_accuracy")


def figure(measured: Measured) -> "Figure":
    """Draw the accuracy over the learning rate: the grid, and what was suggested."""
    whole, axes = canvas.grid(WIDTH, 1.2 + 3 * len(RECIPES), len(RECIPES), 1, sharex=True)
    for name, axis in zip(RECIPES, axes, strict=True):
        _curve(axis, measured, name)
        for number, rule in enumerate(("default", *RULES), 1):
            arm = f"{name}, {rule}"
            if arm in measured.by_arm:
                middle = 10 ** statistics.fmean(measured.values(arm, "log10_of_the_rate"))
                values = measured.values(arm, "validation_accuracy")
                color = canvas.style(number, rule)["color"]
                _training.dot(axis, middle, values, FRACTION, color=color, label=rule)
        axis.set(xscale="log", ylabel=f"validation accuracy of {name}")
        canvas.in_percent(axis)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("learning rate")
    legend_above(axes[0])
    canvas.annotate(
        whole,
        "What a range test suggests, beside a grid",
        "Validation accuracy by learning rate; mean over the seeds with its 95 % interval. A "
        "suggestion is drawn at the geometric mean of those of the seeds. What is more than "
        f"{100 * _training.NEAR:.0f} points below the best of the grid is not shown.",
    )
    return whole


def _curve(axis: "Axes", measured: Measured, name: str) -> None:
    found = [
        (rate, statistics.fmean(measured.values(arm, "validation_accuracy")))
        for arm, rate in zip(_grid(name), GRID, strict=True)
        if arm in measured.by_arm
    ]
    rates, accuracies = [rate for rate, _ in found], [reached for _, reached in found]
    axis.plot(rates, accuracies, **canvas.style(0, "grid"))
    if found:
        _training.near(axis, max(accuracies))


NEARLY: dict[str, Any] = {"direction": "same", "least": math.log10(FACTOR), **POWERS}
EXPERIMENT = Experiment(
    name="range_test",
    question="How near does a range test come to the best learning rate of a grid?",
    arms=arms(**TRAINING),
    settings={"data": {"limit": 10_000}, "training": TRAINING},
    claims=[
        *(
            Claim(
                f"{name}, {RECOMMENDED}",
                best_of(name),
                "log10_of_the_rate",
                text=f"For `{name}` the rate that `{RECOMMENDED}` suggests is within a factor of "
                f"{FACTOR} of the best of the grid.",
                **NEARLY,
                number="C22",
            )
            for name in RECIPES
        ),
        *(
            Claim(
                f"{name}, {RECOMMENDED}",
                best_of(name),
                least=-NEAR,
                text=f"`{name}` trained with it is as good as with the best of the grid, to "
                f"{100 * NEAR:g} points.",
            )
            for name in RECIPES
        ),
    ],
    metrics=(*experiments.METRICS, rate_of),
    columns=[
        columns.part("recipe", 0, code=True),
        columns.part("rate by", 1),
        _training.geometric("learning rate", "learning_rate"),
        _of_own("times the best of the grid", _factor),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        _of_own("points against that best", _points),
    ],
    note=f"The grid has {', '.join(f'{rate:g}' for rate in GRID)}; its best is the rate with "
    "the highest mean validation accuracy, which favours it. `baseline_mlp` and `bn_mlp` have "
    "their own schedule, `one_cycle`; 10,000 images, 10 epochs. Each seed has a range test of its "
    f"own, of {SWEEPS} sweeps. Learning rates and their ratios are geometric means. Differences "
    "are points of test accuracy, paired by seed. Mean over {seeds} with {interval}; it is the "
    "interval for these images. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 1}}, arms=arms(epochs=1)),
    page="docs/claims/range_test.md",
    figure=figure,
)
