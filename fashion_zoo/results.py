"""``assets/results.csv``: the measured results of each recipe with its defaults."""

import contextlib
import csv
import dataclasses
import statistics
from pathlib import Path
from typing import Any

from fashion_zoo.errors import DataError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.storage import reading

RESULTS = Path(__file__).parent / "assets" / "results.csv"
TEXTS = ("arm", "machine", "commit")  # columns of a CSV file that are never numbers
DIVERGED = "loss_diverged"
"""Column of a training whose loss diverged, which has no figures."""
TOOK = "took"
"""Column of the seconds in which a command made a row; older rows lack it.

Of a run that was there already these are the seconds of its training, and of a program that was
stopped those of the call that ended it.
"""
_NUMBERS = ("seed", "validation_accuracy", "test_accuracy", "seconds")
_ALWAYS = ("arm", *_NUMBERS, "precision", "config", "machine")


@dataclasses.dataclass(frozen=True)
class Result:
    """The trainings of one recipe with its defaults."""

    recipe: str
    rows: list[dict[str, Any]]
    """A row per training, by seed: column to value. Accuracies are fractions; ``config`` is the
    digest of the recipe's config, see ``fashion_zoo.config.digest.of``. A column that was not
    measured is missing."""

    def values(self, column: str) -> list[Any]:
        """Return a column, a value per seed."""
        return [row[column] for row in self.rows]

    def mean(self, column: str) -> float:
        """Return the mean of a column over the seeds."""
        return statistics.fmean(self.values(column))


@checked
def read_results(path: AnyPath = RESULTS) -> dict[str, Result]:
    """Return a dictionary from recipe to result, empty if there is no file.

    Raises:
        DataError: if the file cannot be read or lacks a column.
    """
    results: dict[str, Result] = {}
    path = Path(path)
    rows = [row for row in read_rows(path) if not row.get(DIVERGED)]
    for row in rows:
        wrong = [name for name in _ALWAYS if name not in row]
        wrong += [name for name in _NUMBERS if isinstance(row.get(name), str)]
        if wrong:
            raise DataError(
                f"{path} is not a results file of this package: expected rows of trainings with "
                f"{', '.join(_ALWAYS)}, and {wrong[0]} of one is {row.get(wrong[0], 'missing')}. "
                "Measure the recipes again."
            )
    for row in sorted(rows, key=lambda row: row["seed"]):
        results.setdefault(row["arm"], Result(row["arm"], [])).rows.append(row)
    return results


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a CSV file without empty cells; none without a file.

    Raises:
        DataError: if it cannot be read.
    """
    if not file.exists():
        return []
    try:
        rows = list(csv.DictReader(reading.read_text(file).splitlines()))
    except (ValueError, csv.Error) as error:
        raise DataError(f"{file} cannot be read: {error}.") from error
    return [
        {name: _value(name, cell) for name, cell in row.items() if name and cell} for row in rows
    ]


def _value(name: str, cell: str) -> Any:
    if name not in TEXTS:
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                return kind(cell)
    return cell
