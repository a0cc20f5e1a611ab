"""``assets/results.csv``: the measured results of each recipe with its defaults."""

import csv
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.errors import DataError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.storage import reading

RESULTS = Path(__file__).parent / "assets" / "results.csv"


@dataclasses.dataclass(frozen=True)
class Result:
    """Row of one recipe with its defaults, over several seeds. Accuracies are fractions."""

    recipe: str
    seeds: int
    """Number of trainings, with seeds 0, 1, ..."""
    epochs: int
    parameters: int
    """Trainable parameters."""
    validation_mean: float
    validation_spread: float
    """Sample standard deviation over the seeds."""
    validation_low: float
    """95 % interval of the mean over the seeds: Student's t on the logit scale."""
    validation_high: float
    test_mean: float
    test_spread: float
    test_low: float
    test_high: float
    validation_each: str
    """Accuracy of each seed, in order, separated by spaces."""
    test_each: str
    seconds: float
    """Mean seconds of a training, without evaluation and export."""
    precision: str
    device: str
    cores: int
    versions: str
    commit: str
    config: str
    """The digest of the recipe's config; see ``fashion_zoo.config.digest.of``."""


@checked
def read_results(path: AnyPath = RESULTS) -> dict[str, Result]:
    """Return a dictionary from recipe to result, empty if there is no file.

    Raises:
        DataError: if the file cannot be read or has other columns.
    """
    path = Path(path)
    if not path.exists():
        return {}
    try:
        kinds: Any = {field.name: field.type for field in dataclasses.fields(Result)}
        rows = csv.DictReader(reading.read_text(path).splitlines())
        return {
            row["recipe"]: Result(**{name: kind(row[name]) for name, kind in kinds.items()})
            for row in rows
        }
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(f"{path} is not a results file of this package: {error!r}.") from error


def write_results(results: Iterable[Result], path: Path = RESULTS) -> None:
    """Write the file atomically."""
    storage.write_table(path, [dataclasses.asdict(result) for result in results])
