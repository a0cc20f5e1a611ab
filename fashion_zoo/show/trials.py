"""The progress of a search: a live table in a terminal or notebook, or a line a trial elsewhere."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fashion_zoo.language.wording import percent, points
from fashion_zoo.show.progress import Block, TrainingDisplay, clock
from fashion_zoo.show.streams import say, stderr
from fashion_zoo.show.waiting import Progress, in_notebook, is_shown


class Counts(NamedTuple):
    """How many trials there are of each kind."""

    planned: int
    done: int
    """Finished with all their epochs."""
    pruned: int
    running: int
    failed: int
    """Given up after their workers died, or finished with a mark instead of a score."""


class SearchDisplay:
    """Show trials done, running, pruned and failed, the best so far, and time left.

    It is shown on stderr, a table on a terminal, or below the cell of a notebook.

    Args:
        enabled: false shows nothing, and "auto" only where somebody sees it.
    """

    def __init__(self, enabled: Progress = True):
        from rich.console import Console

        self.enabled = is_shown(enabled)
        self.block = Block() if self.enabled and in_notebook() else None
        self.console = Console(file=stderr())
        self.live: Any = None
        self.started = time.perf_counter()
        self.before: int | None = None
        self.counts: Counts | None = None
        self.best: tuple[int, float, Mapping[str, Any]] | None = None
        self.trial = self.running = ""

    def __enter__(self) -> "SearchDisplay":
        if self.enabled and not self.block and self.console.is_terminal:
            from rich.live import Live

            self.live = Live(
                get_renderable=self._table, console=self.console, redirect_stdout=False
            )
            self.live.start()
        return self

    def __exit__(self, *_) -> None:
        self.running = ""
        if self.live:
            self.live.stop()
            self.live = None

    def update(self, counts: Counts, best: tuple[int, float, Mapping[str, Any]] | None) -> None:
        """Show where the search stands."""
        self.counts, self.best = counts, best
        self._draw()

    def begin(self, trial: str) -> None:
        """Show that a training begins."""
        self.trial = trial
        self.show_status("building the model")

    def show_status(self, text: str) -> None:
        """Show where the running trial stands."""
        self.running = f"{self.trial}: {text}"
        self._draw(now=False)

    def _draw(self, now: bool = True) -> None:
        if self.block:
            text = "\n".join(f"{name:<11}{text}" for name, text in self._rows())
            self.block.show_status(text, now=now)
        elif self.live and now:  # a thread draws it anyway, four times a second
            self.live.refresh()

    @property
    def follows(self) -> bool:
        """Whether ``update`` shows anything; otherwise the study need not be read."""
        return self.live is not None or self.block is not None

    def say(self, line: str) -> None:
        """Print a line, above the table where there is one."""
        if self.block:
            self.block.say(line)
        elif self.live:
            self.console.print(line, markup=False, highlight=False)
        elif self.enabled:
            say(line)

    def left(self, counts: Counts) -> str:
        """Return the time left, by the pace of this worker's search so far."""
        finished = counts.done + counts.pruned + counts.failed
        if self.before is None:
            self.before = finished
        since = finished - self.before
        if not since:
            return "-"
        pace = (time.perf_counter() - self.started) / since
        return clock(pace * (counts.planned - finished))

    def _table(self) -> Any:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for row in self._rows():
            table.add_row(*row)
        return table

    def _rows(self) -> list[tuple[str, Any]]:
        """Return where the search stands, as names and texts."""
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


class RunningTrial(TrainingDisplay):
    """Show the epochs of one training of a search in the display of that search."""

    def __init__(self, search: SearchDisplay):
        super().__init__(enabled=False)
        self.search = search

    def advance(
        self, epoch: int, step: int, speed: float, logs: Mapping[str, float] | None
    ) -> None:
        """Show that ``step`` steps of ``epoch`` (from 0) are done."""
        self.search.show_status(self._line(epoch, step, speed, logs))

    def finish_epoch(self, epoch: int, speed: float, logs: Mapping[str, float] | None) -> None:
        """Show the metrics of an epoch that is done."""
        super().finish_epoch(epoch, speed, logs)
        self.advance(epoch, self.steps, speed, logs)


def describe(values: Mapping[str, Any]) -> str:
    """Return parameters in one line, numbers with four digits."""
    parts = []
    for name, value in values.items():
        number = isinstance(value, float)
        parts.append(f"{name}={value:.4g}" if number else f"{name}={value}")
    return ", ".join(parts)


def verdict(candidates: Sequence[Mapping[str, Any]]) -> str:
    """Say whether a search found something better than the defaults."""
    first = candidates[0]
    if first["defaults"]:
        return "No trial beats the defaults: the best config is the recipe's own."
    if first["gain_low"] is None:
        return f"Trial {first['trial']} is best; more seeds would say how surely."
    low, high = points(first["gain_low"]), points(first["gain_high"])
    gain = f"{points(first['gain']).removeprefix('+')} points (95 % interval {low} to {high})"
    if first["gain_low"] > 0:
        return f"Trial {first['trial']} beats the defaults by {gain}."
    return f"Trial {first['trial']} is {gain} above the defaults: no better that these seeds show."
