"""``assets/results.csv``: what each recipe reached, and the table made from it."""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import fashion_zoo.board.text as text
from fashion_zoo import storage
from fashion_zoo.errors import DataError, Hint
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.storage import reading

RESULTS = Path(__file__).parent.parent / "assets" / "results.csv"
MARKS = "<!-- {}:begin -->", "<!-- {}:end -->"
BEGIN, END = (mark.format("results") for mark in MARKS)


@dataclasses.dataclass(frozen=True)
class Result:
    """A row: one recipe with its defaults, over several seeds. Accuracies are fractions."""

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
    """Mean seconds of a training, evaluation and export aside."""
    precision: str
    device: str
    cores: int
    versions: str
    commit: str
    config: str
    """First 12 digits of the SHA-256 of the recipe's config as JSON."""


@checked
def read_results(path: AnyPath = RESULTS) -> dict[str, Result]:
    """Return recipe name to result; empty when nothing was measured yet.

    Raises:
        DataError: the file cannot be read, or has other columns than this package writes.
    """
    path = Path(path)
    if not path.exists():
        return {}
    try:
        rows = list(csv.DictReader(reading.read_text(path).splitlines()))
        results = [
            Result(
                **{
                    field.name: field.type(row[field.name])  # type: ignore[operator]  # int, float, str
                    for field in dataclasses.fields(Result)
                }
            )
            for row in rows
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(f"{path} is not a results file of this package: {error!r}.") from error
    return {result.recipe: result for result in results}


def write_results(results: Sequence[Result], path: Path = RESULTS) -> None:
    """Write the file, whole or not at all."""
    storage.write_table(path, [dataclasses.asdict(result) for result in results])


def results_table(results: Sequence[Result]) -> str:
    """Return the Markdown table of the README, with the line that says what it means."""
    if not results:
        return "Not measured yet."
    lines = [
        "| recipe | trainable parameters | validation accuracy | test accuracy | seconds |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in results:
        validation = _percent(
            row.validation_mean, row.validation_spread, row.validation_low, row.validation_high
        )
        test = _percent(row.test_mean, row.test_spread, row.test_low, row.test_high)
        lines.append(
            f"| `{row.recipe}` | {row.parameters:,} | {validation} | {test} | {row.seconds:.0f} |"
        )
    first = results[0]
    lines += [
        "",
        f"Mean ± standard deviation over {first.seeds} seeds, with the 95 % interval of the mean "
        "in brackets (Student's t on the logit scale). Seconds are of one training on "
        f"{first.device}, {first.cores} cores, "
        f"{_precisions(results)}; {first.versions}; commit {text.short(first.commit)}. "
        f"`python -m recipes.benchmark accuracy --seeds {first.seeds}` reproduces the table.",
    ]
    return "\n".join(lines)


def _precisions(results: Sequence[Result]) -> str:
    """Return the precision of the first row, and which rows have another."""
    first = results[0].precision
    others = [f"`{row.recipe}` {row.precision}" for row in results if row.precision != first]
    return ", ".join([first, *others])


def _percent(mean: float, spread: float, low: float, high: float) -> str:
    return f"{100 * mean:.2f} ± {100 * spread:.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def replace_table(page: Path, table: str, name: str = "results") -> None:
    """Put the table between the two marks of this name on a page.

    Raises:
        DataError: as ``around_table``.
    """
    before, after = around_table(page, name)
    begin, end = (mark.format(name) for mark in MARKS)
    storage.write_text(page, f"{before}{begin}\n{table}\n{end}{after}")


def around_table(page: Path, name: str = "results") -> tuple[str, str]:
    """Return what stands before and after the two marks of this name on a page.

    Raises:
        DataError: the page is missing or has no such marks.
    """
    try:
        content = reading.read_text(page)
    except ValueError as error:
        raise DataError(
            f"{page} cannot be read: {error}. Run this in a checkout, or name the page "
            "that has the table with ",
            Hint("page"),
            ".",
        ) from error
    begin, end = (mark.format(name) for mark in MARKS)
    if begin not in content or end not in content.split(begin, 1)[1]:
        raise DataError(f"{page} has no place for the table: expected {begin} and {end}.")
    before, rest = content.split(begin, 1)
    return before, rest.split(end, 1)[1]
