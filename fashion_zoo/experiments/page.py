"""The page of an experiment: rows in a CSV file, and Markdown tables between two comments."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.errors import DataError, Hint
from fashion_zoo.language.wording import listed
from fashion_zoo.results import read_rows as read_rows
from fashion_zoo.storage import reading

INTERVAL = "its 95 % interval (Student's t; for accuracies on the logit scale)"


class Markdown(str):
    """A text in Markdown, which a notebook shows with its tables."""

    def _repr_markdown_(self) -> str:
        return str(self)


def table(
    heads: Sequence[str], lines: Sequence[Sequence[str | None]], right: Collection[str] = ()
) -> str:
    """Return a Markdown table; a cell of None is empty, ``right`` are heads of numbers.

    A ``|`` in a cell is escaped.
    """
    marks = ["---:" if head in right else "---" for head in heads]
    return "\n".join(map(_line, [heads, marks, *lines]))


def _line(cells: Sequence[str | None]) -> str:
    shown = (" " if cell is None else f" {cell} ".replace("|", r"\|") for cell in cells)
    return f"|{'|'.join(shown)}|"


def common(texts: Mapping[str, str], between: str = ", ") -> str:
    """Return the text of the first name, and those that differ: ``3, `c` and `d` 5``."""
    names: dict[str, list[str]] = {}
    for name, one in texts.items():
        names.setdefault(one, []).append(f"`{name}`")
    first, *others = names
    return between.join([first, *(f"{listed(names[one])} {one}" for one in others)])


def measured_on(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return a sentence with machine and commit of rows, which are given by name."""
    texts = {}
    for name, own in rows.items():
        places = dict.fromkeys(
            f"{row['machine']}, commit {short(row.get('commit'))}" for row in own
        )
        texts[name] = " and ".join(places)
    return f"{common(texts, '; ')}."


def short(commit: str | None) -> str:
    """Return the first 12 digits of a commit, and the mark of uncommitted changes."""
    head, sign, changes = (commit or "").partition("+")
    return f"{head[:12] or 'unknown'}{sign}{changes}"


def write_rows(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows into a CSV file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    storage.write_table(file, rows)


def around(page: Path, mark: str = "results") -> tuple[str, str]:
    """Return the text before and after the table on a page, with its marks."""
    return _split(page, _read(page), mark)


def filled(page: Path, tables: Mapping[str, str]) -> str:
    """Return the text of a page with tables between the marks of their names."""
    text = _read(page)
    for mark, table in tables.items():
        before, after = _split(page, text, mark)
        text = f"{before}\n{table}\n{after}"
    return text


def put(page: Path, tables: Mapping[str, str]) -> None:
    """Put tables between the marks of their names on a page."""
    storage.write_text(page, filled(page, tables))


def _read(page: Path) -> str:
    try:
        return reading.read_text(page)
    except ValueError as error:
        raise DataError(
            f"{page} cannot be read: {error}. Run this in a checkout, or name the page "
            "that has the table with ",
            Hint("page"),
            ".",
        ) from error


def _split(page: Path, text: str, mark: str) -> tuple[str, str]:
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise DataError(f"{page} has no place for the table: expected {begin} and {end}.")
    return before + begin, end + after
