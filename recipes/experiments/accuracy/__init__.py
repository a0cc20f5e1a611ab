"""Every recipe with its defaults: the table of the README, the page of results, and the cards."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fashion_zoo import experiments
from fashion_zoo.evaluation.statistics import POSITIVE, standard_deviation
from fashion_zoo.experiments import (
    Arm,
    Experiment,
    Measured,
    columns,
    page as pages,
    verification,
)
from fashion_zoo.experiments.columns import where_measured
from fashion_zoo.experiments.experiment import Column, Places
from fashion_zoo.registry import list_recipes, recipe
from fashion_zoo.results import RESULTS
from recipes.experiments.accuracy import cards, choices, own_class
from recipes.experiments.accuracy.measuring import COUNTS, figures

INTERVAL = (
    "Mean ± standard deviation over {seeds}, with a 95 % interval in brackets that holds both the "
    "choice of the seeds and that of the images."
)
OTHERS = "Intervals of NLL, Brier score, ECE and temperature hold the choice of the seeds alone."
LOAD = "Of a row of one core, another core may have been busy: its times may be too long."
SECONDS_ALONE = (
    f"Seconds are of one training in {{precision}}, the median over the seeds. {LOAD} {{machine}}"
)
COSTS = (
    "Seconds are of one training in {precision}; they and milliseconds are the median over the "
    f"seeds. {LOAD} {{machine}}"
)


def worst(measured: Measured, arm: str) -> str:
    """Return the smallest recall of a class, and the class in most seeds."""
    name, recall = cards.worst_class(measured, arm)
    return f"{recall}, {name}"


def _value(header: str, metric: str, form: str) -> Column:
    column = columns.value(header, metric, form, POSITIVE, right=True)
    return where_measured(column, metric)


def _number(header: str, metric: str, form: str) -> Column:
    return where_measured(columns.number(header, metric, form, statistics.median), metric)


def _accuracy(header: str, metric: str, images: str) -> Column:
    column = columns.accuracy(header, metric, spread=True, right=True, images=images)
    return where_measured(column, metric)


NAME = Column("recipe", lambda _, arm: f"`{arm}`{own_class.mark(recipe(arm))}")
PARAMETERS = _number("trainable parameters", "parameters", ",.0f")
VALIDATION = _accuracy("validation accuracy", "validation_accuracy", "validation_images")
TEST = _accuracy("test accuracy", "test_accuracy", "test_images")
SECONDS = _number("seconds", "seconds", ".0f")
TABLES: Mapping[str, list[Column]] = {
    "accuracy": [
        TEST,
        _accuracy(
            "test accuracy without suspects", "accuracy_without_suspects", "images_without_suspects"
        ),
        VALIDATION,
        where_measured(Column("recall of the worst class", worst, right=True), "worst_recall"),
    ],
    "probabilities": [
        _value("NLL", "nll", ".4f"),
        _value("Brier score", "brier", ".4f"),
        _value("ECE", "ece", ".4f"),
        _value("temperature", "temperature", ".2f"),
        _value("NLL, scaled", "scaled_nll", ".4f"),
        _value("Brier score, scaled", "scaled_brier", ".4f"),
        _value("ECE, scaled", "scaled_ece", ".4f"),
    ],
    "cost": [
        PARAMETERS,
        _number("multiply-adds of an image", "multiply_adds", ",.0f"),
        *(
            _number(f"ms for {count:,} image{'s' if count > 1 else ''}", f"ms_{count}", ".2f")
            for count in COUNTS
        ),
        SECONDS,
    ],
}
"""Mark of a table of the page of results to its columns, beside that of the recipe."""


def _found(header: str, of: Callable[[Sequence[float], int], str]) -> Column:
    """Return a column of what a test of a row finds; it is empty for one that cannot be tested.

    ``of`` takes the accuracies of the row and the default number of new trainings.
    """

    def cell(measured: Measured, arm: str) -> str:
        values = measured.values(arm, "test_accuracy")
        testable = len(values) >= verification.FEWEST
        return of(values, verification.enough(values)) if testable else ""

    return Column(header, cell, right=True)


def _chance(stated: Sequence[float], new: int) -> str:
    return f"{100 * verification.power_of(stated, new, verification.WRONG):.0f} %"


POWER = [
    _found("deviation over seeds, points", lambda own, _: f"{100 * standard_deviation(own):.2f}"),
    _found("new trainings", lambda _, new: f"{new}"),
    _found(
        f"found in {100 * verification.POWER:g} %, points",
        lambda own, new: f"{100 * verification.detectable(own, new):.2f}",
    ),
    _found(f"{100 * verification.WRONG:g} points are found", _chance),
]
"""Columns of the page of ``verify``, beside that of the recipe."""


def more(measured: Measured, places: Places) -> dict[Path, str | bytes]:
    """Return the page of results, card and pictures of each recipe, and what other pages say."""
    docs = (places.page or Path()).parent / "docs"
    name = Column(
        "recipe", lambda _, arm: f"[`{arm}`](recipes/{arm}.md){own_class.mark(recipe(arm))}"
    )
    tables = {mark: measured.rows_of([name, *own]) for mark, own in TABLES.items()}
    note = f"{INTERVAL} {OTHERS} {COSTS}"
    tables["measured"] = measured.note(f"{note}{{unmeasured}}")
    page = docs / "results.md"
    files: dict[Path, str | bytes] = {page: pages.filled(page, tables)}
    own = [column for columns in TABLES.values() for column in columns]
    for arm in measured.arms:
        if arm.name in measured.by_arm:
            files |= cards.files(measured, arm, own, note, docs, places.folder)
    verify = docs / "commands" / "verify.md"
    power = measured.rows_of([NAME, *POWER])
    files[verify] = pages.filled(verify, {"power": power})
    return files | choices.files(measured, VALIDATION, docs)


EXPERIMENT = Experiment(
    name="accuracy",
    question="What does every recipe reach with its defaults?",
    arms=lambda: [Arm(name, name) for name in list_recipes()],
    metrics=(*experiments.METRICS, figures),
    columns=[NAME, PARAMETERS, VALIDATION, TEST, SECONDS],
    note=f"{INTERVAL} {SECONDS_ALONE} `{{command}}` reproduces the table.{{unmeasured}}",
    pictures=True,  # a card has them
    page="README.md",
    file=RESULTS,
    more=more,
)
