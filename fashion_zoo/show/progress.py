"""The progress of a training: a live bar in a terminal or a notebook, or plain lines elsewhere."""

import time
from collections.abc import Mapping
from typing import Any

from fashion_zoo.language.wording import percent
from fashion_zoo.show.pace import Pace, clock
from fashion_zoo.show.streams import say, stderr
from fashion_zoo.show.watching import Block, Progress, in_notebook, watched

_NARROW = 76  # columns; below it the figures have no room for a bar beside them


def text_bar(done: int, total: int) -> str:
    """Return a bar of 20 letters."""
    full = 20 * done // total
    return "█" * full + "░" * (20 - full)


class TrainingDisplay:
    """Show epoch, images a second, loss, validation accuracy and time left.

    It is shown on stderr: a bar on a terminal, else a line an epoch. In a notebook it is one line
    that is updated in place.

    Args:
        enabled: false shows nothing, and "auto" only where somebody sees it.
    """

    def __init__(self, enabled: Progress = True):
        from rich.console import Console

        self.enabled = watched(enabled)
        self.console = Console(file=stderr())
        self.block = Block() if self.enabled and in_notebook() else None
        self.live = self.enabled and self.block is None and self.console.is_terminal
        self.progress: Any = None
        self.task: Any = None
        self.epochs = self.steps = self.done = 0
        self.started = 0.0
        self.validation = ""
        self.pace = Pace(0, self.say)

    def expect(self, trainings: int) -> None:
        """Say before each of so many trainings which it is, and about how long is left."""
        self.pace = Pace(trainings, self.say)

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
        if self.block:
            self.block.stand(self._line(epoch, step, speed, logs), now=False)
        elif self.live:
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
        if self.block:
            self.block.stand(self._line(epoch, self.steps, speed, logs))
        elif self.live:
            self.advance(epoch, self.steps, speed, logs)
        elif self.enabled:
            say(self._line(epoch, self.steps, speed, logs))

    def _line(self, epoch: int, step: int, speed: float, logs: Mapping[str, float] | None) -> str:
        """Return where things stand, in one line."""
        done, total = epoch * self.steps + step, self.epochs * self.steps
        a_step = (time.perf_counter() - self.started) / (done - self.done * self.steps)
        loss = f"loss {float((logs or {}).get('loss', 0)):.4f}"
        bar = f"  {text_bar(done, total)}" if self.block else ""
        return (
            f"epoch {epoch + 1}/{self.epochs}{bar}  {speed:,.0f} images/s  {loss}  "
            f"{self.validation}  {clock(a_step * (total - done))} left"
        )

    def say(self, line: str) -> None:
        """Show a line."""
        if self.block:
            self.block.say(line)
        elif self.enabled:
            say(line)

    def stop(self) -> None:
        """End the display; the last state of the bar stays on the screen."""
        if self.progress is not None:
            self.progress.stop()


class SweepDisplay:
    """Show how far a number of steps is, in a notebook, or on stderr where that is a terminal.

    Args:
        total: number of steps.
        enabled: false shows nothing, and "auto" only where somebody sees it.
    """

    def __init__(self, total: int, enabled: Progress = True):
        from rich import progress
        from rich.console import Console

        enabled, console = watched(enabled), Console(file=stderr())
        self.total = total
        self.block = Block() if enabled and in_notebook() else None
        live = enabled and self.block is None and console.is_terminal
        self.progress = progress.Progress(
            progress.SpinnerColumn(),  # it turns while a graph is traced
            *progress.Progress.get_default_columns(),
            console=console,
            disable=not live,
            transient=True,
        )
        self.task = self.progress.add_task("steps", total=total)

    def __enter__(self) -> "SweepDisplay":
        self.progress.start()
        return self

    def __exit__(self, *_) -> None:
        self.progress.stop()

    def advance(self, done: int) -> None:
        """Show that so many steps are done."""
        if self.block:
            line = f"steps {text_bar(done, self.total)} {done}/{self.total}"
            self.block.stand(line, now=done >= self.total)
        self.progress.update(self.task, completed=done)


def _bar(console: Any) -> Any:
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    # It turns while a graph is traced, which takes longer than many an epoch.
    columns: list[Any] = [SpinnerColumn(finished_text=" "), TextColumn("{task.description}")]
    if console.width >= _NARROW:
        columns.append(BarColumn(bar_width=None))
    columns += [
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[metrics]}"),
    ]
    return Progress(*columns, console=console, expand=console.width >= _NARROW)
