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
GRACE = 30.0  # seconds after SIGTERM; a cluster's SIGKILL often comes then


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
    """Keras's early stopping, with a state that survives a kill and a test of significance.

    With ``images`` it waits for significance: the patience begins anew only when the accuracy
    passes the 95 % interval around the last accuracy ``a`` that began it,

        a + 1.96 * sqrt(2 * a * (1 - a) / images)

    which is the interval of the difference of two proportions of that many images. Both are of
    the same images, so it errs on the side of stopping. The best weights are those of the best
    epoch, significant or not.

    Args:
        images: number of validation images; None takes every improvement above ``min_delta``.
        **kwargs: what ``keras.callbacks.EarlyStopping`` takes.
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
        if self.images is None:
            return
        if self.wait == 0:
            best = min(max(float(self.best), 0.0), 1.0)
            self.baseline = best + 1.96 * math.sqrt(2 * best * (1 - best) / self.images)
        elif self.wait >= self.patience:  # Keras does not look when the epoch was a little better
            self.stopped_epoch = epoch
            self.model.stop_training = True


class TimeBudget(Stateful, keras.callbacks.Callback):
    """Begin no epoch that would pass a budget of wall-clock time.

    An epoch is expected to take as long as the longest one so far. The time before a kill counts.

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
    """Raise as soon as the running loss is not finite, or far above that of the untrained model.

    A first execution may be a whole epoch that has diverged, so the loss to compare with must be
    known before the first step.

    Args:
        start: loss of the untrained model; see ``fashion_zoo.training.untrained_loss``. One of 0 or
            below says nothing of what is far, and only a loss that is not finite ends the training.
        advice: what to try, the end of the message; a ``Message`` keeps its hints.
        far: how many times ``start`` is far.

    Raises:
        TrainingError: the loss diverged; the message says in which epoch.
    """

    def __init__(
        self,
        start: float,
        advice: str = "Try a smaller learning rate or gradient clipping.",
        far: float = 10.0,
    ):
        super().__init__()
        self.start = start
        self.advice = advice
        self.far = far
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if "loss" in (logs or {}):
            self._check("loss", logs["loss"], f"by step {batch + 1} of epoch {self.epoch + 1}")

    def on_epoch_end(self, epoch, logs=None):
        value = float((logs or {}).get("val_loss", 0))
        if not math.isfinite(value):  # one far above the start may come down again
            self._check("val_loss", value, f"at the end of epoch {epoch + 1}")

    def check_kept(self, loss: float) -> None:
        """Check the validation loss of the weights that are kept when training ends.

        Raises:
            TrainingError: it is not finite, or far above the start.
        """
        self._check("validation loss", loss, "with the weights that it ended with")

    def _check(self, name: str, value: float, when: str) -> None:
        value = float(value)
        if not math.isfinite(value):
            raise TrainingError(f"Training stopped: {name} became {value} {when}. ", self.advice)
        if 0 < self.far * self.start < value:
            raise TrainingError(
                f"Training stopped: {name} rose to {value:.4g} {when}, more than {self.far:g} "
                f"times the {self.start:.4g} of the untrained model. ",
                self.advice,
            )


class StopOnInterrupt(keras.callbacks.Callback):
    """Turn Ctrl-C or SIGTERM into a KeyboardInterrupt at the end of the current execution.

    Python raises it wherever the program happens to be: between two files that belong together,
    or in the clean-up of an iterator, where it is printed and lost. Here the first signal only
    asks, and the callback raises where weights and files agree. A second one raises at once.

    Use it around ``fit`` and among its callbacks:

        with StopOnInterrupt() as stop:
            model.fit(..., callbacks=[stop])

    SIGTERM ends the process in any case: half a minute later the operating system does it, should
    no safe point have come.

    Outside the main thread, where Python delivers no signals, it does nothing.

    Args:
        promise: what the first signal says.
        say: shows a line; by default on stderr.
    """

    def __init__(self, promise: str = STOPPING, say: Callable[[str], None] = streams.say):
        super().__init__()
        self.promise = promise
        self.say = say
        self.asked = False
        self.insisted = False
        self._alarmed = False
        self._saying: threading.Thread | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopOnInterrupt":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_) -> None:
        if self._alarmed:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _ask(self, number, frame) -> None:
        if self.asked:
            self.insisted = True
            raise KeyboardInterrupt
        self.asked = True
        if number == signal.SIGTERM:
            self._end_for_sure()
        # A handler may have come in the middle of a print, which cannot be entered again; and a
        # line that a display does not know of would be glued to its bar.
        self._saying = threading.Thread(target=self.say, args=(self.promise,))
        self._saying.start()

    def _end_for_sure(self) -> None:
        """Set an alarm, on which the system acts by itself, unless the program has its own."""
        free = signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
        if free and not signal.getitimer(signal.ITIMER_REAL)[0]:
            signal.setitimer(signal.ITIMER_REAL, GRACE)
            self._alarmed = True

    def on_train_batch_end(self, batch, logs=None):
        self.check()

    def check(self) -> None:
        """Stop here, if that was asked for; for other safe points than the end of an execution."""
        if self.asked:
            if self._saying:
                self._saying.join()  # the display is stopped next
            raise KeyboardInterrupt
