"""Exercise: a search with Optuna, what matters in it, and how optimistic its best score is."""

import functools
import math
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo.config import Sampler
from fashion_zoo.data import Dataset
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.show.plots import canvas
from fashion_zoo.show.progress import Display
from recipes.experiments import _training
from recipes.experiments._figures import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRIALS = 40
EPOCHS = 10
AGAIN = 3
"""Fresh seeds with which the best trial and the defaults are trained again."""
SEARCHED: Mapping[str, str] = {
    "learning_rate": "log(1e-5, 1e-1)",
    "dropout": "uniform(0, 0.5)",
    "units": "choice(128, 256, 512)",
}
SPACE = {
    **SEARCHED,
    "depth": "1",
    "optimizer": "'adam'",
    "learning_rate_schedule": "'one_cycle'",
    "batch_size": "256",
    "label_smoothing": "0.0",
    "augmentation": "'none'",
    "mixing": "'none'",
    "activation": "'relu'",
    "normalization_position": "'before'",
    "dropout_schedule": "'constant'",
    "l2": "0",
}
"""Everything else has one value."""
PARAMETERS = {"learning_rate": "learning_rate", "dropout": "dropout_1", "units": "units_1"}
"""What is searched, and what it is called in the study: there is one hidden layer."""
TUNED, DEFAULTS = "tuned", "defaults"


@functools.cache
def search(
    seed: int,
    data: Dataset,
    trials: int,
    again: int,
    display: Display | None,
    ranges: tuple[tuple[str, str], ...],
    sampler: Sampler,
) -> dict[str, Row]:
    """Search with a seed; return the rows of the best trial and of the defaults."""
    import optuna

    import fashion_zoo
    from fashion_zoo.tuning.importances import importances

    with tempfile.TemporaryDirectory() as folder:
        found = fashion_zoo.tune(
            "bn_mlp", trials=trials, pruner="none", candidates=1, seeds=again,
            space={**SPACE, **dict(ranges)}, sampler=sampler,
            model={"hidden_units": (256,)}, training={"epochs": EPOCHS}, seed=seed, data=data,
            study_dir=folder, progress=bool(display and display.enabled),
        )  # fmt: skip
        study = optuna.load_study(study_name="bn_mlp", storage=f"sqlite:///{folder}/study.db")
        done = [one for one in study.trials if one.state.name == "COMPLETE"]
        shares = importances(done)
        by_kind = {row["defaults"]: row for row in found.candidates}
        own = by_kind[True]
        chosen = {DEFAULTS: own, TUNED: by_kind.get(False, own)}  # the defaults may be the best
        again_at = Path(folder) / "again"
        rows = {arm: _row(row, done, again_at, data) for arm, row in chosen.items()}
    shown: Row = {
        f"importance_{name}": shares.get(called, (0.0,))[0] for name, called in PARAMETERS.items()
    }
    for name, called in PARAMETERS.items():
        shown[f"tried_{name}"] = _training.joined(_place(name, one.params[called]) for one in done)
    shown["scores"] = _training.joined(one.values[0] for one in done)
    return {arm: {**row, **shown} for arm, row in rows.items()}


def _row(row: Row, trials: Any, folder: Path, data: Dataset) -> Row:
    """Return the figures of a trial that was trained again, with fresh seeds."""
    import fashion_zoo

    (trial,) = (one for one in trials if one.user_attrs["index"] == row["trial"])
    runs = sorted(folder.glob(f"trial-{row['trial']}-*/"))
    tested = [fashion_zoo.evaluate(run, data=data, progress=False) for run in runs]
    return {
        **{name: trial.params[own] for name, own in PARAMETERS.items()},
        "score": row["score"],
        "validation_accuracy": row["mean"],
        "optimism": row["optimism"],
        "test_accuracy": statistics.fmean(one["accuracy"]["value"] for one in tested),
    }


def _place(name: str, value: float) -> float:
    return math.log10(value) if name == "learning_rate" else value


def measure(
    arm: str,
    seed: int,
    data: Dataset,
    trials: int = TRIALS,
    again: int = AGAIN,
    ranges: tuple[tuple[str, str], ...] = (),
    sampler: Sampler = "tpe",
    display: Display | None = None,
) -> Row:
    """Return the row of the best trial or of the defaults, of one search for both.

    ``ranges`` have names of hyperparameters with other ranges than those of ``SPACE``.
    """
    return search(seed, data, trials, again, display, ranges, sampler)[arm]


OPTIMISM = columns.Column(
    "optimism, points", lambda measured, arm: columns.points(measured.values(arm, "optimism"))
)


def figure(measured: Measured) -> "Figure":
    """Draw all trials, the importances, and the scores beside those with fresh seeds."""
    whole, axes = canvas.grid(WIDTH, 15, 5, 1)
    rows = list(measured.by_arm[TUNED].values())
    for place, name in enumerate(PARAMETERS):
        axis = axes[place]
        for number, row in enumerate(rows):
            tried, scores = (_training.numbers(row[one]) for one in (f"tried_{name}", "scores"))
            color = canvas.style(number, "")["color"]
            axis.scatter(tried, scores, s=12, color=color, label=f"search {row['seed']}")
        words = "log10 of the learning rate" if name == "learning_rate" else name
        axis.set(xlabel=words, ylabel="score of a trial")
        canvas.in_percent(axis)
    best = max(max(_training.numbers(row["scores"])) for row in rows)
    for axis in axes[1:3]:
        _training.near(axis, best)
    axes[0].legend(fontsize=8)
    shares = [[row[f"importance_{name}"] for name in PARAMETERS] for row in rows]
    axes[3].bar(list(PARAMETERS), [statistics.fmean(own) for own in zip(*shares, strict=True)])
    for share in shares:
        axes[3].plot(list(PARAMETERS), share, "o", color=canvas.QUIET, markersize=4)
    axes[3].set(ylabel="importance, by fANOVA")
    for number, (arm, found) in enumerate(measured.by_arm.items()):
        for row in found.values():
            style = {**canvas.style(number, arm), "label": None}
            axes[4].plot([0, 1], [row["score"], row["validation_accuracy"]], "o-", **style)
        axes[4].plot([], [], **canvas.style(number, arm))
    axes[4].set_xticks([0, 1], ["score in the search", "trained again"])
    axes[4].margins(x=0.3)
    axes[4].set(ylabel="validation accuracy")
    axes[4].legend(fontsize=8)
    canvas.in_percent(axes[4])
    for axis in axes:
        axis.grid(alpha=0.3)
    canvas.annotate(
        whole,
        "Searches with Optuna: what matters, and how optimistic the best score is",
        "bn_mlp with one hidden layer. Scores more than "
        f"{100 * _training.NEAR:.0f} points below the best are drawn by learning rate only. Dots "
        "in grey: the importance in each search.",
    )
    return whole


def _importances(measured: Measured, arm: str) -> str | None:
    """Return the mean importance of each hyperparameter, once for both arms."""
    if arm != TUNED:
        return None
    means = [statistics.fmean(measured.values(arm, f"importance_{name}")) for name in PARAMETERS]
    return ", ".join(f"{one:.2f}" for one in means)


def arms(**settings: Any) -> list[Arm]:
    """Return the arms, with other arguments of ``measure``."""
    names = (TUNED, DEFAULTS)
    return [Arm(name, program=functools.partial(measure, name, **settings)) for name in names]


EXPERIMENT = Experiment(
    name="tuning",
    question="What does a search find, what matters in it, and how optimistic is its best score?",
    arms=arms(),
    settings={"data": {"limit": 10_000}},
    claims=[
        Claim(TUNED, DEFAULTS),
        Claim(
            TUNED, DEFAULTS, "optimism", text="The score by which a trial was chosen is too good."
        ),
    ],
    columns=[
        columns.name("one hidden layer", code=lambda arm: False),
        _training.geometric("learning rate", "learning_rate"),
        columns.number("dropout", "dropout", ".2f"),
        columns.number("units", "units", ".0f"),
        columns.accuracy("score in the search", "score"),
        columns.accuracy("trained again", "validation_accuracy"),
        OPTIMISM,
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.Column("importance of rate, dropout, units", _importances, right=True),
    ],
    note=f"`bn_mlp` with one hidden layer, by default of 256 units, on 10,000 images for {EPOCHS} "
    f"epochs. Each seed is a search of its own with {TRIALS} trials by TPE, without pruning; its "
    f"best trial and the defaults are trained again with {AGAIN} fresh seeds. Mean over {{seeds}} "
    "with {interval}, of learning rates the geometric mean; it is the interval for these images. "
    "Optimism is the score in the search minus the mean when trained again. {machine} `{command}` "
    "reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 2_000}}, arms=arms(trials=6, again=2)),
    page="docs/exercises/tuning.md",
    figure=figure,
)
