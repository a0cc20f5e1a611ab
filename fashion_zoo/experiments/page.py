"""The page of an experiment: rows in a CSV file, and Markdown tables between two comments."""

import contextlib
import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.errors import DataError, Hint
from fashion_zoo.storage import reading

INTERVAL = "its 95 % interval, by Student's t, of accuracies on the logit scale"
TEXTS = ("arm", "machine", "commit")  # columns of a CSV file that are never numbers


def table(
    heads: Sequence[str], lines: Sequence[Sequence[str | None]], right: Collection[str] = ()
) -> str:
    """Return a Markdown table; a cell of None is empty, ``right`` are heads of numbers."""
    marks = ["---:" if head in right else "---" for head in heads]
    return "\n".join(map(_line, [heads, marks, *lines]))


def _line(cells: Sequence[str | None]) -> str:
    return f"|{'|'.join(' ' if cell is None else f' {cell} ' for cell in cells)}|"


def common(texts: Mapping[str, str], between: str = ", ") -> str:
    """Return the text of the first name, and those that differ: ``3, `c` 5`` of 3, 3 and 5."""
    first = next(iter(texts.values()))
    return between.join(
        [first, *(f"`{name}` {one}" for name, one in texts.items() if one != first)]
    )


def measured_on(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return a sentence with machine and commit of rows, which are given by name."""
    texts = {}
    for name, own in rows.items():
        places = dict.fromkeys(f"{row['machine']}, commit {short(row['commit'])}" for row in own)
        texts[name] = " and ".join(places)
    return f"{common(texts, '; ')}."


def short(commit: str | None) -> str:
    """Return the first 12 digits of a commit, and the mark of uncommitted changes."""
    head, sign, changes = (commit or "").partition("+")
    return f"{head[:12] or 'unknown'}{sign}{changes}"


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a CSV file without empty cells; none without a file."""
    if not file.exists():
        return []
    try:
        rows = list(csv.DictReader(reading.read_text(file).splitlines()))
    except (ValueError, csv.Error) as error:
        raise DataError(f"{file} cannot be read: {error}.") from error
    return [{name: _value(name, cell) for name, cell in row.items() if cell} for row in rows]


def _value(name: str, cell: str) -> Any:
    if name not in TEXTS:
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                return kind(cell)
    return cell


def write_rows(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows into a CSV file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    storage.write_table(file, rows)


def around(page: Path, mark: str = "results") -> tuple[str, str]:
    """Return the text before and after the table on a page, with its marks."""
    try:
        content = reading.read_text(page)
    except ValueError as error:
        raise DataError(
            f"{page} cannot be read: {error}. Run this in a checkout, or name the page "
            "that has the table with ",
            Hint("page"),
            ".",
        ) from error
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    before, found, rest = content.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise DataError(f"{page} has no place for the table: expected {begin} and {end}.")
    return before + begin, end + after


def put(page: Path, tables: Mapping[str, str]) -> None:
    """Put tables between the marks of their names on a page."""
    for mark, text in tables.items():
        before, after = around(page, mark)
        storage.write_text(page, f"{before}\n{text}\n{after}")
