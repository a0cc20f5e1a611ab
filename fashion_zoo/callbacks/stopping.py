"""Callbacks that end a training early: no improvement, no time, divergence, Ctrl-C or SIGTERM."""

import math
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from fashion_zoo.errors import TrainingError
from fashion_zoo.show import streams

STOPPING = (
    "Stopping after this step; then the model is saved. Press Ctrl-C again to leave at once, "
    "with the epochs that are done."
)
GRACE = 30.0  # seconds after SIGTERM; clusters often send SIGKILL then


class Stateful:
    """A callback of which some attributes are kept in a checkpoint."""

    saved: tuple[str, ...] = ()

    def state(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {name: getattr(self, name) for name in self.saved}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore ``state()``."""
        for name in self.saved:
            setattr(self, name, state[name])


class EarlyStopping(Stateful, keras.callbacks.EarlyStopping):
    """Keras's early stopping, with a state for checkpoints and a test of significance.

    With ``images`` an improvement must be significant: the patience restarts only if the accuracy
    passes the 95 % interval around the accuracy ``a`` at its last restart,

        a + 1.96 * sqrt(2 * a * (1 - a) / images)

    which is the interval of the difference of two proportions of that many images. Both are of
    the same images, so the test stops rather too early. The best weights are those of the best
    epoch, significant or not.

    Args:
        images: number of validation images; None counts every improvement above ``min_delta``.
        **kwargs: arguments of ``keras.callbacks.EarlyStopping``.
    """

    saved = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights", "baseline")

    def __init__(self, *, images: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.images = images

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore ``state()``; a ValueError if its best weights are of another model."""
        best = state["best_weights"]
        if best and [*map(np.shape, best)] != [*map(np.shape, self.model.get_weights())]:
            raise ValueError("its best weights are another model's")
        super().restore(state)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self.images is not None:
            self.baseline = None

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.images is None or self.best is None:  # nothing was compared yet
            return
        if self.wait == 0:
            best = min(max(float(self.best), 0.0), 1.0)
            self.baseline = best + 1.96 * math.sqrt(2 * best * (1 - best) / self.images)
        elif self.wait >= self.patience:  # Keras does not check after an insignificant improvement
            self.stopped_epoch = epoch
            self.model.stop_training = True


class TimeBudget(Stateful, keras.callbacks.Callback):
    """Stop before the epoch that would exceed a budget of wall-clock time.

    An epoch is expected to take as long as the longest one so far. A resumed training counts the
    time before, too.

    Args:
        seconds: the budget.
        clock: returns seconds.
    """

    saved = ("spent", "longest")

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self.seconds = seconds
        self.clock = clock
        self.spent = self.longest = self.began = 0.0

    def on_train_begin(self, logs=None):
        self.spent = self.longest = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.began = self.clock()

    def on_epoch_end(self, epoch, logs=None):
        took = self.clock() - self.began
        self.spent, self.longest = self.spent + took, max(self.longest, took)
        if self.spent + self.longest > self.seconds:
            self.model.stop_training = True


class StopOnDivergence(keras.callbacks.Callback):
    """Raise if the running loss is not finite, or far above that of the untrained model.

    The first execution may be a whole epoch that diverged, so the loss to compare with must be
    known before the first step.

    Args:
        start: loss of the untrained model as it is trained, with its dropout; see
            ``fashion_zoo.training.untrained``. With 0 or less, only a loss that is not finite ends
            the training.
        advice: the end of the message; a ``Message`` keeps its hints.
        far: the largest multiple of an untrained model's loss that is allowed.
        evaluated: loss of the untrained model as it is evaluated, for ``check_final``; by default
            ``start``.

    Raises:
        TrainingError: if the loss diverged; the message has the epoch.
    """

    def __init__(
        self,
        start: float,
        advice: str = "Try a smaller learning rate or gradient clipping.",
        far: float = 10.0,
        evaluated: float | None = None,
    ):
        super().__init__()
        self.start = start
        self.evaluated = start if evaluated is None else evaluated
        self.advice = advice
        self.far = far
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if "loss" in (logs or {}):
            steps = (self.params or {}).get("steps") or math.inf  # an execution may end after them
            step = min(batch + 1, steps)
            self._check(
                "loss", logs["loss"], self.start, f"by step {step} of epoch {self.epoch + 1}"
            )

    def on_epoch_end(self, epoch, logs=None):
        value = float((logs or {}).get("val_loss", 0))
        if not math.isfinite(value):  # a finite one may fall again
            self._check("val_loss", value, self.evaluated, f"at the end of epoch {epoch + 1}")

    def check_final(self, loss: float) -> None:
        """Check the validation loss of the final weights."""
        self._check("validation loss", loss, self.evaluated, "with the weights that it ended with")

    def _check(self, name: str, value: float, untrained: float, when: str) -> None:
        value = float(value)
        if not math.isfinite(value):
            raise TrainingError(f"Training stopped: {name} became {value} {when}. ", self.advice)
        if 0 < self.far * untrained < value:
            raise TrainingError(
                f"Training stopped: {name} rose to {value:.4g} {when}, more than {self.far:g} "
                f"times the {untrained:.4g} of the untrained model. ",
                self.advice,
            )


class StopOnInterrupt(keras.callbacks.Callback):
    """Turn Ctrl-C or SIGTERM into a KeyboardInterrupt at the end of the current execution.

    Python would raise it anywhere: between two files that belong together, or in the clean-up of an
    iterator, where it is printed and lost. Here the first signal is only noted, and the callback
    raises where weights and files agree. A second signal raises at once.

    Use it around ``fit`` and among its callbacks:

        with StopOnInterrupt() as stop:
            model.fit(..., callbacks=[stop])

    After SIGTERM the operating system ends the process half a minute later, if there was no safe
    point before. Outside the main thread, where Python delivers no signals, it does nothing.

    Args:
        message: the line that is shown after the first signal.
        say: shows a line; by default on stderr.
    """

    def __init__(self, message: str = STOPPING, say: Callable[[str], None] = streams.say):
        super().__init__()
        self.message = message
        self.say = say
        self.requested = False
        self.forced = False
        self._alarmed = False
        self._printing: threading.Thread | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopOnInterrupt":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_) -> None:
        if self._alarmed:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number, frame) -> None:
        if self.requested:
            self.forced = True
            raise KeyboardInterrupt
        self.requested = True
        if number == signal.SIGTERM:
            self._set_alarm()
        # A thread: the handler may interrupt a print, which is not reentrant, and a display must
        # print the line itself, or it would end up in its bar.
        self._printing = threading.Thread(target=self.say, args=(self.message,))
        self._printing.start()

    def _set_alarm(self) -> None:
        """Set an alarm, which ends the process, unless the program has its own."""
        free = signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
        if free and not signal.getitimer(signal.ITIMER_REAL)[0]:
            signal.setitimer(signal.ITIMER_REAL, GRACE)
            self._alarmed = True

    def on_train_batch_end(self, batch, logs=None):
        self.check()

    def check(self) -> None:
        """Raise if a signal has come; for safe points other than the end of an execution."""
        if self.requested:
            if self._printing:
                self._printing.join()  # before the display is stopped
            raise KeyboardInterrupt
