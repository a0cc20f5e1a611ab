"""Benchmarks that are no experiments: tables of rows."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.errors import ConfigError, resumable
from fashion_zoo.experiments import page as pages
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.experiments.stored import keep
from fashion_zoo.language.wording import unknown
from fashion_zoo.machine import environment
from fashion_zoo.show.streams import say
from fashion_zoo.storage import absolute
from recipes._processes import answer_of

Rows = Sequence[Row]


@dataclasses.dataclass(frozen=True)
class Program:
    """What measures rows, and what makes tables of a page of them."""

    page: str
    tables: Mapping[str, Callable[[Rows], str]]
    """Name of a table, which its marks on the page have, to what makes it of its rows."""
    note: Callable[[Rows, str], str]
    """Makes the note below each table of the rows of all tables and the sentence that names the
    machine of its own."""
    measure: Callable[..., Iterable[Row]]
    """Takes the options of the command, except the page; each row names its ``table``."""
    takes: Sequence[str] = ("seeds", "folder", "page")
    """Options of the command."""
    resumes: bool = True
    """Whether the same command resumes after Ctrl-C."""

    def texts(self, rows: Rows) -> dict[str, str]:
        """Return the name and the text of each table, with its note."""
        found = {}
        for name, write in self.tables.items():
            found[name] = "Not measured yet."
            if own := [row for row in rows if row["table"] == name]:
                note = self.note(rows, pages.measured_on({"": own}))
                found[name] = f"{write(own)}\n\n{note}"
        return found

    def run(self, page: str | Path | None = None, **options: Any) -> str:
        """Measure, write the rows beside the page and the tables into it, and return the tables.

        With overrides nothing is written, unless a page is given. With the option ``only``, the
        name of a table, that one is measured and returned, and the rows of the others stay.
        """
        for name, why in (("seeds", "an interval"), ("rounds", "a spread")):
            if (count := options.get(name, 2)) < 2:
                raise ConfigError(f"{name} must be at least 2, for {why}; received {count}.")
        only = options.get("only")
        if only not in (None, *self.tables):
            raise ConfigError(unknown("table", only, self.tables))
        quick = options.keys() - {*self.takes, "progress"}  # overrides: nothing to be published
        target = absolute(page or self.page) if page or not quick else None
        if target:
            for name in self.tables:
                pages.around(target, name)
        with resumable() if self.resumes else contextlib.nullcontext():
            measured = list(self.measure(**options))
        place = environment.place(environment.describe())
        rows = [{**row, **place} for row in measured]
        if target:
            file = target.with_suffix(".csv")
            if only:
                rows += [row for row in pages.read_rows(file) if row["table"] != only]
                rows.sort(key=lambda row: [*self.tables].index(row["table"]))
            pages.write_rows(file, rows)
            pages.put(target, self.texts(rows))
        texts = self.texts(rows)
        return texts[only] if only else "\n\n".join(texts.values())


def pivot(
    keys: Mapping[str, Callable[[Row], str]],
    cells: Mapping[str, tuple[str | None, Callable[[Row], str]]],
    right: bool = True,
) -> Callable[[Rows], str]:
    """Return a function that makes a Markdown table of rows with one figure each.

    Rows in which the texts of all ``keys`` are equal are one line. ``cells`` are header of a column
    to the ``measure`` of its rows, and what formats them.
    """

    def write(rows: Rows) -> str:
        found: dict[tuple[str, ...], dict[str | None, Row]] = {}
        for row in rows:
            line = tuple(key(row) for key in keys.values())
            found.setdefault(line, {})[row.get("measure")] = row
        lines = [
            [*line, *(text(own[name]) if name in own else "" for name, text in cells.values())]
            for line, own in found.items()
        ]
        return pages.table([*keys, *cells], lines, list(cells) if right else ())

    return write


def measure_once(file: Path, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Return ``answer_of`` the function, from the file if it was measured before."""

    def measure() -> dict[str, Any]:
        answer = answer_of(f"measurement of {file.stem}", function, *arguments)
        say(f"{file.stem}: {json.dumps(answer)}")
        return answer

    return keep(file, {"arguments": arguments}, measure)
