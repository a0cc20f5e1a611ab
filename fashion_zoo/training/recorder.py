"""The callback that writes state, history and timing into the run folder, an epoch at a time."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

import fashion_zoo.training.state as states
from fashion_zoo import storage
from fashion_zoo.runs import Run
from fashion_zoo.show.streams import say
from fashion_zoo.training.state_file import check


class Recorder(keras.callbacks.Callback):
    """Write the state, ``history.csv`` and ``timing.csv`` after each epoch.

    It stands last among the callbacks, so that it sees all that the others logged and decided.
    Times stand apart, so that two trainings with the same seed have the same history file.

    Args:
        run: where to write.
        images_per_step: images a step, for the speed.
        start: the state to go on from.
        belonging: whose state it writes.
    """

    def __init__(
        self,
        run: Run,
        images_per_step: int,
        start: states.State | None = None,
        belonging: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.run = run
        self.images_per_step = images_per_step
        self.start = start
        self.belonging = belonging
        self.others: Sequence[keras.callbacks.Callback] = ()
        self.required: Sequence[keras.callbacks.Callback] = ()
        self.rows: list[dict] = []
        self.times: list[dict] = []
        self.began = self.trained = 0.0

    def state(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {"rows": self.rows, "times": self.times}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state()``."""
        self.rows, self.times = list(state["rows"]), list(state["times"])

    def on_train_begin(self, logs=None):
        if self.start:  # the others have just begun anew
            required = () if self.start.forked else self.required
            missing = states.remind([self, *self.others], self.start.callbacks, required)
            if missing and not self.start.forked:
                say(
                    f"{self.run.path} holds the state of {', '.join(missing)}, which was not given "
                    "again: it goes on without."
                )
            self._write_tables()

    def on_epoch_begin(self, epoch, logs=None):
        self.began = self.trained = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.trained = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        images = self.params["steps"] * self.images_per_step
        ended = time.perf_counter()
        times = {
            "epoch": epoch + 1,
            "seconds": round(ended - self.began, 3),
            "images_per_second": round(images / (self.trained - self.began)),
            "state_seconds": None,  # known once the state, which holds this row, is written
        }
        self.rows.append({"epoch": epoch + 1, **{name: float(x) for name, x in logs.items()}})
        self.times.append(times)
        # Itself first: a callback of the caller's may have the same name.
        callbacks = [self, *self.others]
        data = states.capture(self.model, callbacks, epoch + 1, self.belonging)
        self.run.save_state(epoch + 1, data)
        times["state_seconds"] = round(time.perf_counter() - ended, 4)
        self._write_tables()

    @staticmethod
    def check_kept(kept: Any, epochs: int) -> None:
        """Check what a state has of it: a row of numbers for each epoch.

        Raises:
            ValueError: it has something else.
        """
        check(isinstance(kept, dict) and kept.keys() == {"rows", "times"})
        for rows in kept.values():
            check(isinstance(rows, list) and all(isinstance(row, dict) for row in rows))
            check([row.get("epoch") for row in rows] == list(range(1, epochs + 1)))
            check(all(_is_number(value) for row in rows for value in row.values()))
        check(all(_is_number(row.get("seconds"), none=False) for row in kept["times"]))

    def _write_tables(self) -> None:
        storage.write_table(self.run.to_write("history.csv"), self.rows)
        storage.write_table(self.run.to_write("timing.csv"), self.times)


def _is_number(value: Any, *, none: bool = True) -> bool:
    return (value is None and none) or type(value) in (int, float)
