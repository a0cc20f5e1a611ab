"""Benchmarks that are no experiments: tables of rows, and measurements in other processes."""

import contextlib
import dataclasses
import functools
import json
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.errors import ConfigError, TrainingError, resumable
from fashion_zoo.experiments import page as pages
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.experiments.stored import keep
from fashion_zoo.language.wording import unknown
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


@contextlib.contextmanager
def worker(what: str, work: Callable[[Any], None], **environ: str) -> Iterator[Callable[[], Any]]:
    """Start a process, and give the function that requests and returns its next answer.

    ``work`` is a picklable function of the end of a pipe, from which it receives a None for each
    answer that it is to send. ``what`` names it in an error, such as "training of x".
    """
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    arguments = (pickle.dumps(work), other, environ)  # loading it imports Keras, which prints
    process = context.Process(target=_work, args=arguments, daemon=True)
    process.start()
    other.close()  # so that the end of the process ends the pipe

    def ask() -> Any:
        with contextlib.suppress(OSError):  # it has ended, and may have sent the reason
            pipe.send(None)
        try:
            answer = pipe.recv()
        except (EOFError, OSError):
            process.join()
            answer = RuntimeError(f"its process ended with code {process.exitcode}")
        if isinstance(answer, RuntimeError):
            raise TrainingError(f"The {what} failed: {answer}")
        return answer

    try:
        yield ask
    finally:
        process.kill()
        process.join()


def _work(work: bytes, pipe: Any, environ: Mapping[str, str]) -> None:
    os.environ.update(environ)
    with open(os.devnull, "w", encoding="utf-8") as null:  # for what the libraries print
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    try:
        pickle.loads(work)(pipe)
    except Exception as error:
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


def answer_of(what: str, function: Callable[..., Any], /, *arguments: Any, **environ: str) -> Any:
    """Return what the function returns in a process of its own; see ``worker``."""
    with worker(what, functools.partial(_answer, function, arguments), **environ) as ask:
        return ask()


def _answer(function: Callable[..., Any], arguments: Sequence[Any], pipe: Any) -> None:
    pipe.send(function(*arguments))


def measure_once(file: Path, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Return ``answer_of`` the function, from the file if it was measured before."""

    def measure() -> dict[str, Any]:
        answer = answer_of(f"measurement of {file.stem}", function, *arguments)
        say(f"{file.stem}: {json.dumps(answer)}")
        return answer

    return keep(file, {"arguments": arguments}, measure)


def mebibytes(name: str = "VmHWM", status: Path = Path("/proc/self/status")) -> float:
    """Return the peak memory of this process in MiB, or on Linux another value of its status."""
    if status.is_file():  # getrusage would count the peak of the parent too
        (line,) = [one for one in status.read_text().splitlines() if one.startswith(f"{name}:")]
        return int(line.split()[1]) / 2**10
    import resource  # which Windows lacks

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
