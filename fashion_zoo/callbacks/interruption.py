"""Ctrl-C and SIGTERM at a safe point."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import keras

from fashion_zoo.show import streams

STOPPING = (
    "Stopping after this step; then the model is saved. Press Ctrl-C again to leave at once, "
    "with the epochs that are done."
)
GRACE = 30.0  # seconds after SIGTERM; a cluster's SIGKILL often comes then


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
