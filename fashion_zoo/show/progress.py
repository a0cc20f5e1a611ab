"""The progress of a training in a terminal: a live bar, or plain lines where there is none."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from fashion_zoo.wording import percent

_NARROW = 76  # columns; below it the figures have no room for a bar beside them


def clock(seconds: float) -> str:
    """Format seconds as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class TrainingDisplay:
    """Show epoch, images a second, loss, validation accuracy and time left on stderr.

    Args:
        enabled: false shows nothing.
    """

    def __init__(self, enabled: bool = True):
        from rich.console import Console

        self.enabled = enabled
        self.console = Console(stderr=True)
        self.live = enabled and self.console.is_terminal
        self.progress: Any = None
        self.task: Any = None
        self.epochs = self.steps = self.done = 0
        self.started = 0.0
        self.validation = ""

    def start(self, epochs: int, steps: int, done: int = 0) -> None:
        """Begin, with the number of epochs, of steps an epoch, and of epochs done before."""
        self.epochs, self.steps, self.done = epochs, steps, done
        self.started = time.perf_counter()
        self.validation = ""
        if self.live:
            self.progress = _bar(self.console)
            self.task = self.progress.add_task(
                f"epoch {done + 1}/{epochs}",
                total=epochs * steps,
                completed=done * steps,
                speed="",
                metrics="",
            )
            self.progress.start()

    def advance(
        self, epoch: int, step: int, speed: float, logs: Mapping[str, float] | None
    ) -> None:
        """Show that ``step`` steps of ``epoch`` (from 0) are done."""
        if self.live:
            unit = "k images/s" if self.console.width >= _NARROW else "k/s"
            loss = f"loss {float((logs or {}).get('loss', 0)):.4f}"
            self.progress.update(
                self.task,
                completed=epoch * self.steps + step,
                description=f"epoch {epoch + 1}/{self.epochs}",
                speed=f"{speed / 1000:.1f}{unit}",
                metrics=f"{loss} {self.validation}".rstrip(),
            )

    def finish_epoch(self, epoch: int, speed: float, logs: Mapping[str, float] | None) -> None:
        """Show the metrics of an epoch that is done."""
        logs = logs or {}
        if "val_accuracy" in logs:
            self.validation = f"validation {percent(logs['val_accuracy'])}"
        if self.live:
            self.advance(epoch, self.steps, speed, logs)
        elif self.enabled:
            done = epoch + 1
            an_epoch = (time.perf_counter() - self.started) / (done - self.done)
            left = an_epoch * (self.epochs - done)
            print(
                f"epoch {done}/{self.epochs}  {speed:,.0f} images/s  loss {logs['loss']:.4f}  "
                f"{self.validation}  {clock(left)} left",
                file=sys.stderr,
                flush=True,
            )

    def say(self, line: str) -> None:
        """Print a line."""
        if self.enabled:
            print(line, file=sys.stderr, flush=True)

    def stop(self) -> None:
        """End the display; the last state of the bar stays on the screen."""
        if self.progress is not None:
            self.progress.stop()


class SweepDisplay:
    """Show how far a number of steps is, on stderr, where that is a terminal.

    Args:
        total: number of steps.
        enabled: false shows nothing.
    """

    def __init__(self, total: int, enabled: bool = True):
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self.progress = Progress(
            console=console, disable=not (enabled and console.is_terminal), transient=True
        )
        self.task = self.progress.add_task("steps", total=total)

    def __enter__(self) -> "SweepDisplay":
        self.progress.start()
        return self

    def __exit__(self, *_) -> None:
        self.progress.stop()

    def advance(self, done: int) -> None:
        """Show that so many steps are done."""
        self.progress.update(self.task, completed=done)


def _bar(console: Any) -> Any:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns: list[Any] = [TextColumn("{task.description}")]
    if console.width >= _NARROW:
        columns.append(BarColumn(bar_width=None))
    columns += [
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[metrics]}"),
    ]
    return Progress(*columns, console=console, expand=console.width >= _NARROW)
