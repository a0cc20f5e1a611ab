"""Benchmarks that are no experiments: tables of rows, and measurements in other processes."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.errors import ConfigError, TrainingError
from fashion_zoo.experiments import page as pages
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.experiments.runner import keep
from fashion_zoo.machine import environment
from fashion_zoo.show.streams import say
from fashion_zoo.storage import absolute

Rows = Sequence[Row]


@dataclasses.dataclass(frozen=True)
class Program:
    """What measures rows, and what makes tables of a page of them."""

    page: str
    tables: Mapping[str, Callable[[Rows], str]]
    """Name of a table, which its marks on the page have, to what makes it of its rows."""
    note: Callable[[Rows, str], str]
    """Makes the note below each table of all rows and the sentence that names the machine."""
    measure: Callable[..., Iterable[Row]]
    """Takes the options of the command, except the page; each row names its ``table``."""
    takes: Sequence[str] = ("seeds", "folder", "page")
    """Options of the command."""

    def texts(self, rows: Rows) -> dict[str, str]:
        """Return the name and the text of each table, with its note."""
        note = self.note(rows, pages.measured_on({"": rows})) if rows else ""
        found = {}
        for name, write in self.tables.items():
            own = [row for row in rows if row["table"] == name]
            found[name] = f"{write(own)}\n\n{note}" if own else "Not measured yet."
        return found

    def run(self, page: str | Path | None = None, **options: Any) -> str:
        """Measure, write the rows beside the page and the tables into it, and return the tables.

        With overrides nothing is written, unless a page is given.

        Raises:
            ConfigError: if there are fewer than two seeds or rounds.
            DataError: if the page is missing or has no place for a table.
            TrainingError: if a measurement failed.
        """
        for name, why in (("seeds", "an interval"), ("rounds", "a spread")):
            if (count := options.get(name, 2)) < 2:
                raise ConfigError(f"{name} must be at least 2, for {why}; received {count}.")
        quick = options.keys() - {*self.takes, "progress"}  # overrides: nothing to be published
        target = absolute(page or self.page) if page or not quick else None
        if target:
            for name in self.tables:
                pages.around(target, name)
        measured = list(self.measure(**options))
        place = environment.place(environment.describe())
        rows = [{**row, **place} for row in measured]
        texts = self.texts(rows)
        if target:
            pages.write_rows(target.with_suffix(".csv"), rows)
            pages.put(target, texts)
        return "\n\n".join(texts.values())


def pivot(
    keys: Mapping[str, Callable[[Row], str]],
    cells: Mapping[str, tuple[str | None, Callable[[Row], str]]],
    right: bool = True,
) -> Callable[[Rows], str]:
    """Return a function that makes a Markdown table of rows with one figure each.

    Args:
        keys: header of a column to its text; rows in which all keys are equal are one line.
        cells: header of a column to the ``measure`` of its rows, and what formats it.
        right: whether the cells are aligned right.
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


def child(module: str, settings: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the command ``python -m MODULE SETTINGS`` and its environment variables."""
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", module, json.dumps(settings)]
    return command, {**os.environ, "PYTHONPATH": paths}


def last_line(errors: str) -> str:
    """Return the last line on the standard error of a program that failed: its reason."""
    return (errors.strip().splitlines() or ["it printed nothing"])[-1]


def answer_of(
    module: str, settings: Mapping[str, Any], what: str, **environ: str
) -> dict[str, Any]:
    """Return the JSON that ``python -m MODULE SETTINGS`` prints as its last line.

    An error names ``what`` failed, such as "measurement of x".
    """
    command, variables = child(module, settings)
    done = subprocess.run(
        command, capture_output=True, text=True, env={**variables, **environ}, check=False
    )
    if done.returncode:
        raise TrainingError(f"The {what} failed: {last_line(done.stderr)}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_once(module: str, settings: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Return ``answer_of`` the program, from the file if it was measured before."""

    def measure(whole: Mapping[str, Any]) -> dict[str, Any]:
        answer = answer_of(module, whole, f"measurement of {file.stem}")
        say(f"{file.stem}: {json.dumps(answer)}")
        return answer

    return keep(file, settings, measure)
