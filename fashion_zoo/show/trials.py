"""The progress of a search in a terminal: a live table, or a line a trial where there is none."""

import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from fashion_zoo.show.progress import clock
from fashion_zoo.wording import percent


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
    """Show trials done, running, pruned and failed, the best so far, and time left, on stderr.

    Args:
        enabled: false shows nothing.
    """

    def __init__(self, enabled: bool = True):
        from rich.console import Console

        self.enabled = enabled
        self.console = Console(stderr=True)
        self.live: Any = None
        self.started = time.perf_counter()
        self.before: int | None = None

    def __enter__(self) -> "SearchDisplay":
        if self.enabled and self.console.is_terminal:
            from rich.live import Live

            self.live = Live(console=self.console, auto_refresh=False)
            self.live.start()
        return self

    def __exit__(self, *_) -> None:
        if self.live:
            self.live.stop()
            self.live = None

    def update(self, counts: Counts, best: tuple[int, float, Mapping[str, Any]] | None) -> None:
        """Show where the search stands.

        Args:
            counts: the trials.
            best: number, score and parameters of the best one.
        """
        if self.live:
            self.live.update(self._table(counts, best), refresh=True)

    def say(self, line: str) -> None:
        """Print a line, above the table where there is one."""
        if self.enabled:
            if self.live:
                self.console.print(line, markup=False, highlight=False)
            else:
                print(line, file=sys.stderr, flush=True)

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

    def _table(self, counts: Counts, best: tuple[int, float, Mapping[str, Any]] | None) -> Any:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        table.add_row(
            "trials",
            f"{counts.done} done, {counts.running} running, {counts.pruned} pruned, "
            f"{counts.failed} failed, of {counts.planned}",
        )
        table.add_row("time left", self.left(counts))
        if best:
            number, score, values = best
            table.add_row("best", f"{percent(score)} (trial {number})")
            table.add_row("", describe(values))
        return table


def describe(values: Mapping[str, Any]) -> str:
    """Return parameters in one line, numbers with four digits."""
    parts = []
    for name, value in values.items():
        number = isinstance(value, float)
        parts.append(f"{name}={value:.4g}" if number else f"{name}={value}")
    return ", ".join(parts)
