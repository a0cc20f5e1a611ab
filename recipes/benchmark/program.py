"""A benchmark that is no experiment: what it measures, its tables, and processes of its own."""

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
    """Rows, each of one table of a page."""

    page: str
    tables: Mapping[str, Callable[[Rows], str]]
    """Name of the table, between whose marks it stands, to what makes it of its rows."""
    note: Callable[[Rows, str], str]
    """What stands below each table; takes all rows, and the sentence that names the machine."""
    measure: Callable[..., Iterable[Row]]
    """Takes the options of the command but the page; each row has its ``table``."""
    takes: Sequence[str] = ("seeds", "folder", "page")
    """Options of the command."""

    def texts(self, rows: Rows) -> dict[str, str]:
        """Return name to table, with its note."""
        note = self.note(rows, pages.measured_on({"": rows})) if rows else ""
        found = {}
        for name, write in self.tables.items():
            own = [row for row in rows if row["table"] == name]
            found[name] = f"{write(own)}\n\n{note}" if own else "Not measured yet."
        return found

    def run(self, page: str | Path | None = None, **options: Any) -> str:
        """Measure, write the rows beside the page and the tables into it, and return those.

        With overrides they are written only where a page is given.

        Raises:
            ConfigError: fewer than two seeds or rounds.
            DataError: the page is missing or has no place for a table.
            TrainingError: a measurement ended early.
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
    """Return what makes a Markdown table of rows that hold one figure each.

    Args:
        keys: head of a column to what stands there; rows in which all are equal are one line.
        cells: head of a column to the ``measure`` of its row, and what is written of that.
        right: whether the cells stand at the right.
    """

    def write(rows: Rows) -> str:
        found: dict[tuple[str, ...], dict[str | None, Row]] = {}
        for row in rows:
            line = tuple(key(row) for key in keys.values())
            found.setdefault(line, {})[row.get("measure")] = row
        lines = [
            [*line, *(say(own[name]) if name in own else "" for name, say in cells.values())]
            for line, own in found.items()
        ]
        return pages.table([*keys, *cells], lines, list(cells) if right else ())

    return write


def child(module: str, settings: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the command ``python -m MODULE SETTINGS`` and an environment that imports as here."""
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", module, json.dumps(settings)]
    return command, {**os.environ, "PYTHONPATH": paths}


def last_line(said: str) -> str:
    """Return the last line that a program said before it ended, which is why."""
    return (said.strip().splitlines() or ["it said nothing"])[-1]


def answer_of(
    module: str, settings: Mapping[str, Any], what: str, **environ: str
) -> dict[str, Any]:
    """Return the JSON that ``python -m MODULE SETTINGS`` prints as its last line.

    Args:
        module: the program.
        settings: what it takes, as JSON.
        what: what it is called if it fails, such as "measurement of x".
        **environ: environment variables of its own.

    Raises:
        TrainingError: it ended early; the message has its last line.
    """
    command, surroundings = child(module, settings)
    done = subprocess.run(
        command, capture_output=True, text=True, env={**surroundings, **environ}, check=False
    )
    if done.returncode:
        raise TrainingError(f"The {what} ended early: {last_line(done.stderr)}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_once(module: str, settings: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Return what ``answer_of`` does, or what it did when it ran before, kept in the file."""

    def measure(whole: Mapping[str, Any]) -> dict[str, Any]:
        answer = answer_of(module, whole, f"measurement of {file.stem}")
        say(f"{file.stem}: {json.dumps(answer)}")
        return answer

    return keep(file, settings, measure)
