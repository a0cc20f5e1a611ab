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

POWER = 0.9
"""Probability with which the difference that a verdict names is found."""

WRONG = 0.007
"""Error of a row, as a fraction, that new trainings find with ``POWER``: see ``enough``."""

NEW = range(3, 21)
"""Numbers of new trainings among which ``enough`` chooses."""


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

    @property
    def detectable(self) -> float:
        """The difference that such a test finds with probability ``POWER``; see ``detectable``."""
        return detectable(self.stated, len(self.measured))

    def __str__(self) -> str:
        """Return the verdict in a sentence, and in another one what it would find."""
        means = [statistics.fmean(each) for each in (self.measured, self.stated)]
        verdict = "consistent" if self.consistent else "inconsistent"
        return (
            f"{self.recipe}: {verdict}. New trainings reach {percent(means[0])} on the test images "
            f"({counted(len(self.measured), 'seed')}), the table states {percent(means[1])} "
            f"({counted(len(self.stated), 'seed')}): {100 * (means[0] - means[1]):+.2f} points, "
            f"p = {self.p:.2g} by Student's two-sided t-test, level {LEVEL:g}. If trainings vary "
            f"as those of the table do, a row that is wrong by {100 * self.detectable:.2f} points "
            f"is found in {100 * POWER:g} % of cases."
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


def power_of(stated: Sequence[float], seeds: int, difference: float) -> float:
    """Return the probability of finding that a row is wrong by a difference.

    It is that of ``p_value`` below ``LEVEL``, where the true standard deviation is that of the row.
    Then t^2 has a noncentral F distribution with 1 and n_a + n_b - 2 degrees of freedom, and the
    noncentrality (difference / s)^2 / (1 / n_a + 1 / n_b).

    Reference: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences.

    Args:
        stated: accuracies of at least ``FEWEST`` trainings.
        seeds: number of new trainings, at least 1.
        difference: the true mean minus that of the row, as a fraction.
    """
    from scipy.special import ncfdtr

    freedom, limit, error = _test_of(stated, seeds)
    if not error:
        return float(bool(difference))
    return 1 - float(ncfdtr(1, freedom, (difference / error) ** 2, limit))


def detectable(stated: Sequence[float], seeds: int) -> float:
    """Return the smallest difference that is found with probability ``POWER``: see ``power_of``."""
    from scipy.special import ncfdtrinc

    freedom, limit, error = _test_of(stated, seeds)
    return error * math.sqrt(ncfdtrinc(1, freedom, 1 - POWER, limit))


def enough(stated: Sequence[float]) -> int:
    """Return the smallest number in ``NEW`` that finds ``WRONG`` with ``POWER``, else the largest.

    ``stated`` are accuracies of at least ``FEWEST`` trainings.
    """
    found = (seeds for seeds in NEW if power_of(stated, seeds, WRONG) >= POWER)
    return next(found, NEW[-1])


def _test_of(stated: Sequence[float], seeds: int) -> tuple[int, float, float]:
    """Return degrees of freedom, the t^2 above which a row is inconsistent, and the error."""
    from scipy.stats import t

    freedom = len(stated) + seeds - 2
    error = standard_deviation(stated) * math.sqrt(1 / len(stated) + 1 / seeds)
    return freedom, float(t.isf(LEVEL / 2, freedom)) ** 2, error


@checked
@resumable()
@releasing()
def verify(
    name: str,
    *,
    seeds: int | None = None,
    folder: Place = "runs/verification",
    progress: Progress = "auto",
) -> Verification:
    """Train a recipe with its defaults again, and test its row of the table of results.

    The trainings have seeds that the row does not have, in the row's precision. They are kept in
    ``folder``, so that an interrupted call can be resumed.

    Args:
        name: a recipe with a row of at least 3 seeds.
        seeds: number of new trainings, at least 1; by default 3, or up to 20 where the seeds of
            the row differ so much that 3 find an error of 0.7 points in fewer than 90 % of cases.
        folder: folder of their runs.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.

    Raises:
        ConfigError: if there is no such recipe or row, or its defaults have changed since.
        KeyboardInterrupt: on Ctrl-C; the next call resumes.
    """
    if seeds is not None:
        checks.whole("seeds", seeds, 1)
    entry, row = recipe(name), _row(name)
    stated = tuple(row.values("test_accuracy"))
    seeds = seeds or enough(stated)
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
