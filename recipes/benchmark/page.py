"""The table between two marks of a page."""

from collections.abc import Sequence
from pathlib import Path

import recipes.benchmark.text as text
from fashion_zoo import storage
from fashion_zoo.errors import DataError, Hint
from fashion_zoo.results import Result
from fashion_zoo.storage import reading

MARKS = "<!-- {}:begin -->", "<!-- {}:end -->"
BEGIN, END = (mark.format("results") for mark in MARKS)


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
