"""Ctrl-C and SIGTERM at a safe point."""

import os
import signal
import threading
from typing import Any

import keras

STOPPING = (
    b"Stopping after this step; then the model is saved. Press Ctrl-C again to leave at once, "
    b"with the epochs that are done.\n"
)


class StopOnInterrupt(keras.callbacks.Callback):
    """Turn Ctrl-C or SIGTERM into a KeyboardInterrupt at the end of the current execution.

    Python raises it wherever the program happens to be: between two files that belong together,
    or in the clean-up of an iterator, where it is printed and lost. Here the first signal only
    asks, and the callback raises where weights and files agree. A second one raises at once.

    Use it around ``fit`` and among its callbacks:

        with StopOnInterrupt() as stop:
            model.fit(..., callbacks=[stop])

    Outside the main thread, where Python delivers no signals, it does nothing.

    Args:
        promise: what the first signal prints on stderr.
    """

    def __init__(self, promise: bytes = STOPPING):
        super().__init__()
        self.promise = promise
        self.asked = False
        self.insisted = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopOnInterrupt":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _ask(self, number, frame) -> None:
        if self.asked:
            self.insisted = True
            raise KeyboardInterrupt
        self.asked = True
        # print may not be entered again from a handler that came in the middle of a print
        os.write(2, self.promise)

    def on_train_batch_end(self, batch, logs=None):
        if self.asked:
            raise KeyboardInterrupt
