"""A recipe trained again, and compared with its row in the table of results."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from fashion_zoo.config import digest
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.errors import ConfigError, resumable
from fashion_zoo.evaluation.statistics import standard_deviation
from fashion_zoo.experiments.metrics import test_accuracy
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.wording import counted, percent, unknown
from fashion_zoo.machine.devices import releasing
from fashion_zoo.registry import recipe
from fashion_zoo.results import Result, read_results
from fashion_zoo.show.progress import Pace, TrainingDisplay
from fashion_zoo.show.waiting import Progress, waiting
from fashion_zoo.storage import absolute

LEVEL = 0.01
"""Level of the test: the probability of calling a true row inconsistent."""

FEWEST = 3
"""Seeds of a row that is tested. Two may reach the same accuracy by chance, in about one of fifty
rows; then any other accuracy of a single new training would be called inconsistent."""


class Verification(NamedTuple):
    """What new trainings of a recipe reached beside what its row states."""

    recipe: str
    stated: tuple[float, ...]
    """Test accuracy of each seed of the row."""
    measured: tuple[float, ...]
    """Test accuracy of each new training."""
    p: float
    """Probability of a difference of means at least as large, if there is none; see ``p_value``."""

    @property
    def consistent(self) -> bool:
        """Whether ``p`` is at least ``LEVEL``."""
        return self.p >= LEVEL

    def __str__(self) -> str:
        """Return the verdict in a sentence."""
        means = [sum(each) / len(each) for each in (self.measured, self.stated)]
        verdict = "consistent" if self.consistent else "inconsistent"
        return (
            f"{self.recipe}: {verdict}. New trainings reach {percent(means[0])} on the test images "
            f"({counted(len(self.measured), 'seed')}), the table states {percent(means[1])} "
            f"({counted(len(self.stated), 'seed')}): {100 * (means[0] - means[1]):+.2f} points, "
            f"p = {self.p:.2g} by Student's two-sided t-test, level {LEVEL:g}."
        )


def p_value(stated: Sequence[float], measured: Sequence[float]) -> float:
    """Return the p-value of Student's two-sample t-test, two-sided, with one variance for both.

        t = (mean a - mean b) / (s sqrt(1 / n_a + 1 / n_b)), with n_a + n_b - 2 degrees of freedom
        s^2 = ((n_a - 1) s_a^2 + (n_b - 1) s_b^2) / (n_a + n_b - 2)

    All are measured on the same test images, so their choice is no part of the difference. Without
    any spread it is 1 for equal means, else 0.

    Reference: Student 1908, Biometrika 6(1).

    Args:
        stated: accuracies of at least 2 trainings.
        measured: those of at least 1 other.
    """
    from scipy.stats import t

    a, b = len(stated), len(measured)
    difference = statistics.mean(stated) - statistics.mean(measured)
    freedom = a + b - 2
    squares = (a - 1) * standard_deviation(stated) ** 2 + (b - 1) * standard_deviation(
        measured
    ) ** 2
    error = math.sqrt(squares / freedom * (1 / a + 1 / b))
    if not error:
        return float(not difference)
    return float(2 * t.sf(abs(difference) / error, freedom))


@checked
@resumable()
@releasing()
def verify(
    name: str, *, seeds: int = 3, folder: Place = "runs/verification", progress: Progress = "auto"
) -> Verification:
    """Train a recipe with its defaults again, and test its row of the table of results.

    The trainings have seeds that the row does not have, in the row's precision. They are kept in
    ``folder``, so that an interrupted call can be resumed.

    Args:
        name: a recipe with a row of at least 3 seeds.
        seeds: number of new trainings, at least 1.
        folder: folder of their runs.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.

    Raises:
        ConfigError: if there is no such recipe or row, or its defaults have changed since.
        KeyboardInterrupt: on Ctrl-C; the next call resumes.
    """
    checks.whole("seeds", seeds, 1)
    entry, row = recipe(name), _row(name)
    config = override(entry.config, {"precision": row.rows[0]["precision"]})

    from fashion_zoo.evaluation import evaluate_run
    from fashion_zoo.training.session import train_once

    display, data, measured = TrainingDisplay(progress), load(config.data), []
    pace = Pace(seeds, display.say)
    first = 1 + max(row.values("seed"))
    for seed in range(first, first + seeds):
        with pace.training(f"{name}, seed {seed}"):
            path = absolute(folder) / f"{name}-{seed}"
            run = train_once(entry, override(config, {"seed": seed}), path, display, data)
            with waiting("Evaluating on the test images", display.enabled):
                _ = run.result("evaluation") or evaluate_run(run, given=data)
        measured.append(test_accuracy(run))
    stated = tuple(row.values("test_accuracy"))
    return Verification(name, stated, tuple(measured), p_value(stated, measured))


def _row(name: str) -> Result:
    rows = read_results()
    if name not in rows:
        raise ConfigError(unknown("recipe with results", name, list(rows)))
    row = rows[name]
    if len(row.rows) < FEWEST:
        raise ConfigError(
            f"The row of {name} has {counted(len(row.rows), 'seed')}; a test needs at least "
            f"{FEWEST}. Measure it with more seeds."
        )
    if set(row.values("config")) != {digest.of(recipe(name).config)}:
        raise ConfigError(
            f"The row of {name} is of other settings than its defaults of today, and cannot be "
            "tested by training with these. Measure it again."
        )
    return row
