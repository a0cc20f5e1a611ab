"""How often comparisons call equal recipes different, and how often they find a difference."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.errors import DataError
from fashion_zoo.evaluation import paired
from fashion_zoo.experiments import Arm, Experiment, Measured, columns, page
from fashion_zoo.language.wording import percent
from fashion_zoo.results import RESULTS
from fashion_zoo.storage import absolute

MEASURED = (RESULTS, Path("docs/dropout.csv"), Path("docs/optimizers.csv"))
"""Rows of whole trainings on Fashion-MNIST, from which the spread of seeds is taken."""
COMPARISONS = 20_000
"""Simulated comparisons of a seed: the standard error of a rate of 5 % is 0.15 points."""
LEVEL = 0.05
SEEDS = (3, 5, 10, 20)
EFFECTS = (0.001, 0.002, 0.003, 0.005)
"""True differences, fractions."""


@functools.cache
def residuals() -> np.ndarray:
    """Return by how much the test accuracy of each measured seed differs from its arm's.

    The mean of n seeds takes its part of their spread, so a difference from it is multiplied by
    sqrt(n / (n - 1)).

    Raises:
        DataError: if a file is not here, as outside of a checkout.
    """
    found = []
    for file in MEASURED:
        by_arm: dict[str, list[float]] = {}
        if not (rows := page.read_rows(absolute(file))):
            raise DataError(f"{file} has no rows. Run this in a checkout, which has them.")
        for row in rows:
            by_arm.setdefault(row["arm"], []).append(row["test_accuracy"])
        for values in (np.array(own) for own in by_arm.values() if len(own) > 1):
            found.append((values - values.mean()) * np.sqrt(len(values) / (len(values) - 1)))
    return np.concatenate(found)


def spread() -> float:
    """Return the standard deviation of the test accuracy over seeds, pooled over the arms."""
    return float(np.sqrt(np.square(residuals()).mean()))


def measure(seeds: int, seed: int, dataset: Dataset) -> dict[str, Any]:
    """Return the rates of simulated comparisons with a number of seeds that call a difference."""
    generator, deviation = np.random.default_rng([seed, seeds]), spread()
    shape = (COMPARISONS, 2 * seeds)
    normal = generator.normal(0, deviation, (2, *shape))
    drawn = generator.choice(residuals(), (2, *shape))
    equal, resampled = normal[0] - normal[1], drawn[0] - drawn[1]
    first, second = called(equal[:, :seeds]), called(equal)
    found = {
        "spread": round(deviation, 6),
        "false": float(first.mean()),
        "false_resampled": float(called(resampled[:, :seeds]).mean()),
        "false_twice": float((first | second).mean()),
    }
    for effect in EFFECTS:
        stated = paired.power(effect, deviation * np.sqrt(2), seeds, LEVEL)
        found[f"stated_{effect}"] = float(stated)
        found[f"found_{effect}"] = float(called(equal[:, :seeds] + effect).mean())
    return found


def called(differences: np.ndarray) -> np.ndarray:
    """Return which comparisons are called different."""
    return paired.over_seeds(differences).p_value() <= LEVEL


def _found(effect: float) -> columns.Column:
    def cell(measured: Measured, arm: str) -> str:
        stated, found = (measured.values(arm, f"{one}_{effect}") for one in ("stated", "found"))
        return f"{percent(stated[0])}, {percent(float(np.mean(found)))}"

    return columns.Column(f"{100 * effect:g} points", cell)


EXPERIMENT = Experiment(
    name="comparing",
    question="How often is a comparison wrong, and how often does it find a difference?",
    arms=[
        Arm(f"{count}", program=functools.partial(measure, count), place=f"comparisons-{count}")
        for count in SEEDS
    ],
    columns=[
        columns.name("seeds", code=lambda arm: False),
        columns.accuracy("equal, called different", "false"),
        columns.accuracy("the same, with measured spreads", "false_resampled"),
        columns.accuracy("the same, after a second look", "false_twice"),
        *(_found(effect) for effect in EFFECTS),
    ],
    note=f"Of {COMPARISONS:,} simulated comparisons of two recipes, whose test accuracies have a "
    "standard deviation of {spread} over seeds, as in the tables of results, dropout and "
    "optimizers: the fraction that the paired test calls different at a level of 5 %, mean over "
    "{seeds} of the simulation with {interval}. Measured spreads are resampled from those tables. "
    "A second look doubles the seeds of what could not be told. The last columns are of recipes "
    "that differ by so many points: the stated power, and the fraction that is found. {machine} "
    "`{command}` reproduces the table.",
    seeds=3,
    page="docs/comparing.md",
)
