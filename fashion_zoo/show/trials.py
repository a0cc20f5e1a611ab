"""Progress of a search: a live table in a terminal or notebook, else a line per trial."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fashion_zoo.language.wording import percent, points
from fashion_zoo.show.progress import Display, TrainingDisplay, clock
from fashion_zoo.show.waiting import Progress


class Counts(NamedTuple):
    """Number of trials of each status."""

    planned: int
    done: int
    """Completed."""
    pruned: int
    running: int
    failed: int
    """Without a score, or after too many workers died."""


class SearchDisplay(Display):
    """Show the number of trials, the best so far, and the time left, as one table or text."""

    def __init__(self, enabled: Progress = True):
        super().__init__(enabled)
        self.screen: Any = None
        self.started = time.perf_counter()
        self.before: int | None = None
        self.counts: Counts | None = None
        self.best: tuple[int, float, Mapping[str, Any]] | None = None
        self.trial = self.running = ""

    def __enter__(self) -> "SearchDisplay":
        if self.live:
            from rich.live import Live

            self.screen = Live(
                get_renderable=self._table, console=self.console, redirect_stdout=False
            )
            self.screen.start()
        return self

    def __exit__(self, *_) -> None:
        self.running = ""
        if self.screen:
            self.screen.stop()

    def update(self, counts: Counts, best: tuple[int, float, Mapping[str, Any]] | None) -> None:
        """Show the current counts and the best trial: its index, score and hyperparameters."""
        self.counts, self.best = counts, best
        self._draw()

    def begin(self, trial: str) -> None:
        """Show that a training starts."""
        self.trial = trial
        self.show_status("building the model")

    def show_status(self, text: str, *, now: bool = False) -> None:
        """Show the status of the running trial."""
        self.running = f"{self.trial}: {text}"
        self._draw(now=now)

    def _draw(self, now: bool = True) -> None:
        if self.block:
            text = "\n".join(f"{name:<11}{text}" for name, text in self._rows())
            self.block.show_status(text, now=now)
        elif self.screen and now:  # a thread draws it anyway, four times per second
            self.screen.refresh()

    @property
    def follows(self) -> bool:
        """Whether ``update`` shows anything; if not, the study need not be read."""
        return bool(self.live or self.block)

    def left(self, counts: Counts) -> str:
        """Return the time left, estimated from the trials finished since the start."""
        finished = counts.done + counts.pruned + counts.failed
        if self.before is None:
            self.before = finished
        since = finished - self.before
        if not since:
            return "-"
        pace = (time.perf_counter() - self.started) / since
        return clock(pace * (counts.planned - finished))

    def _table(self) -> Any:
        from rich.table import Column, Table

        table = Table.grid(Column(style="bold"), Column(overflow="fold"), padding=(0, 2))
        for row in self._rows():
            table.add_row(*row)
        return table

    def _rows(self) -> list[tuple[str, Any]]:
        """Return the rows of the table: name and text."""
        rows: list[tuple[str, Any]] = []
        if counts := self.counts:
            trials = (
                f"{counts.done} done, {counts.running} running, {counts.pruned} pruned, "
                f"{counts.failed} failed, of {counts.planned}"
            )
            rows = [("trials", trials), ("time left", self.left(counts))]
        if self.best:
            number, score, values = self.best
            rows += [("best", f"{percent(score)} (trial {number})"), ("", describe(values))]
        if self.running:
            rows.append(("now", self.running))
        return rows


def running_trial(search: SearchDisplay) -> TrainingDisplay:
    """Return a display that shows the epochs of a training in that of its search."""
    display = TrainingDisplay(enabled=False)
    display.block = search
    return display


def short(value: object) -> str:
    """Format a value, a float with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def describe(values: Mapping[str, Any]) -> str:
    """Format hyperparameters in one line."""
    return ", ".join(f"{name}={short(value)}" for name, value in values.items())


def title(row: Mapping[str, Any]) -> str:
    """Return the name of a candidate, a row of ``report.json``."""
    return "defaults" if row["defaults"] else f"trial {row['trial']}"


def verdict(candidates: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence: whether the best trial beats the defaults."""
    first = candidates[0]
    if first["defaults"]:
        return "No trial beats the defaults: the best config is the recipe's own."
    if first["gain"] is None:
        return f"Trial {first['trial']} is best; the defaults were not trained again beside it."
    if first["gain_low"] is None:
        return f"Trial {first['trial']} is best; an interval needs more seeds."
    low, high = points(first["gain_low"]), points(first["gain_high"])
    gain = f"{points(first['gain']).removeprefix('+')} points (95 % interval {low} to {high})"
    if first["gain_low"] > 0:
        return f"Trial {first['trial']} beats the defaults by {gain}."
    return f"Trial {first['trial']} is {gain} above the defaults, which is not significant."
