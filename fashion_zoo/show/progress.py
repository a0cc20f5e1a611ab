"""The progress of a training: a live bar in a terminal or a notebook, or plain lines elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import fmean
from typing import Any

from fashion_zoo.language.wording import percent
from fashion_zoo.show.streams import say, stderr
from fashion_zoo.show.waiting import Progress, in_notebook, is_shown

Logs = Mapping[str, float] | None

_NARROW = 76  # columns; below it there is no room for a bar beside the numbers
_LINES = 12  # of a notebook's output; older ones are left out
_PAUSE = 0.2  # seconds between two updates of the same line
_FOUND = 0.5  # seconds; a finished training takes less, and is left out of the mean


def clock(seconds: float) -> str:
    """Format seconds as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _text_bar(done: int, total: int) -> str:
    full = 20 * done // total
    return "█" * full + "░" * (20 - full)


class Block:
    """A notebook's output of some lines and a status, which is updated in place."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.status = ""
        self._handle: Any = None
        self._shown = 0.0

    def say(self, line: str) -> None:
        """Add a line above the status."""
        self.lines.append(line)
        self._draw()

    def show_status(self, status: str, *, now: bool = True) -> None:
        """Replace the status; without ``now`` it is drawn only some times per second."""
        self.status = status
        if now or time.monotonic() - self._shown > _PAUSE:
            self._draw()

    def _draw(self) -> None:
        from IPython.display import display

        self._shown = time.monotonic()
        hidden = len(self.lines) - _LINES
        before = [f"({hidden} lines before)"] if hidden > 0 else []
        text = "\n".join([*before, *self.lines[-_LINES:], *self.status.splitlines()])
        if self._handle is None:
            self._handle = display({"text/plain": text}, raw=True, display_id=True)
        else:
            self._handle.update({"text/plain": text}, raw=True)


class Pace:
    """Number ``total`` trainings, and estimate the time left.

    They are of so many ``kinds``, in turn, each of which may take another time.
    """

    def __init__(
        self,
        total: int,
        say: Callable[[str], None],
        timer: Callable[[], float] = time.perf_counter,
        kinds: int = 1,
    ):
        self.total, self.say, self.timer = total, say, timer
        self.number = 0
        self.took: list[list[float]] = [[] for _ in range(kinds)]

    @contextlib.contextmanager
    def training(self, name: str) -> Iterator[None]:
        """Count the training in the block."""
        self.number += 1
        left = f", about {clock(self._left())} left" if any(self.took) else ""
        self.say(f"training {self.number} of {self.total}: {name}{left}")
        began = self.timer()
        yield
        took = self.timer() - began
        if took > _FOUND or any(self.took):
            self.took[(self.number - 1) % len(self.took)].append(took)

    def _left(self) -> float:
        """Return the seconds from this training on.

        A kind takes its own mean, without what was there already unless all of it was, as where
        another kind has done its work; a kind that is new takes the mean of all.
        """
        long = [[one for one in own if one > _FOUND] for own in self.took]
        every = [one for own in long for one in own]
        means = [fmean(made or own or every) for made, own in zip(long, self.took, strict=True)]
        return sum(means[n % len(means)] for n in range(self.number - 1, self.total))


class Display:
    """Where progress is shown: a notebook's cell, a terminal, or lines on stderr."""

    def __init__(self, enabled: Progress = True):
        from rich.console import Console

        self.enabled = is_shown(enabled)
        self.console = Console(file=stderr())
        self.block: Any = Block() if self.enabled and in_notebook() else None
        self.live = self.enabled and self.block is None and self.console.is_terminal

    def say(self, line: str) -> None:
        """Show a line, above what is updated in place."""
        if self.block:
            self.block.say(line)
        elif self.enabled:
            say(line)


class TrainingDisplay(Display):
    """Show epoch, images per second, loss, validation accuracy and time left.

    It is a bar on a terminal, one line that is updated in a notebook, else a line per epoch.
    """

    progress: Any = None

    def start(self, epochs: int, steps: int, done: int = 0) -> None:
        """Begin a training of ``epochs``, of which ``done`` were trained before."""
        self.epochs, self.steps, self.done = epochs, steps, done
        self.started = time.perf_counter()
        self.validation = ""
        if self.live:
            from rich import progress

            wide = self.console.width >= _NARROW
            self.progress = progress.Progress(
                # It turns while a graph is traced, which may take longer than an epoch.
                progress.SpinnerColumn(finished_text=" "),
                progress.TextColumn("{task.description}"),
                *([progress.BarColumn(bar_width=None)] if wide else []),
                progress.TimeRemainingColumn(compact=True),
                progress.TextColumn("{task.fields[speed]}"),
                progress.TextColumn("{task.fields[metrics]}"),
                console=self.console,
                expand=wide,
            )
            self.task = self.progress.add_task(
                f"epoch {done + 1}/{epochs}",
                total=epochs * steps,
                completed=done * steps,
                speed="",
                metrics="",
            )
            self.progress.start()

    def advance(
        self, epoch: int, step: int, speed: float, logs: Logs, *, finished: bool = False
    ) -> None:
        """Show that ``step`` steps of ``epoch`` (from 0) are done."""
        loss = f"loss {float((logs or {}).get('loss', 0)):.4f}"
        if self.live:
            unit = "k images/s" if self.console.width >= _NARROW else "k/s"
            self.progress.update(
                self.task,
                completed=epoch * self.steps + step,
                description=f"epoch {epoch + 1}/{self.epochs}",
                speed=f"{speed / 1000:.1f}{unit}",
                metrics=f"{loss} {self.validation}".rstrip(),
            )
        elif self.block:
            self.block.show_status(self._line(epoch, step, speed, loss), now=finished)
        elif self.enabled and finished:
            say(self._line(epoch, step, speed, loss))

    def finish_epoch(self, epoch: int, speed: float, logs: Logs) -> None:
        """Show the metrics at the end of an epoch."""
        if logs and "val_accuracy" in logs:
            self.validation = f"validation {percent(logs['val_accuracy'])}"
        self.advance(epoch, self.steps, speed, logs, finished=True)

    def _line(self, epoch: int, step: int, speed: float, loss: str) -> str:
        done, total = epoch * self.steps + step, self.epochs * self.steps
        per_step = (time.perf_counter() - self.started) / (done - self.done * self.steps)
        bar = f"  {_text_bar(done, total)}" if isinstance(self.block, Block) else ""
        return (
            f"epoch {epoch + 1}/{self.epochs}{bar}  {speed:,.0f} images/s  {loss}  "
            f"{self.validation}  {clock(per_step * (total - done))} left"
        )

    def stop(self) -> None:
        """End the display; the bar stays on the screen."""
        if self.progress is not None:
            self.progress.stop()


@contextlib.contextmanager
def sweeping(total: int, enabled: Progress = True) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows, on a terminal or in a notebook, how many steps are done."""
    from rich import progress

    display = Display(enabled)
    bar = progress.Progress(
        progress.SpinnerColumn(),  # it turns while a graph is traced
        *progress.Progress.get_default_columns(),
        console=display.console,
        disable=not display.live,
        transient=True,
    )
    task = bar.add_task("steps", total=total)

    def advance(done: int) -> None:
        if display.block:
            line = f"steps {_text_bar(done, total)} {done}/{total}"
            display.block.show_status(line, now=done >= total)
        bar.update(task, completed=done)

    with bar:
        yield advance
