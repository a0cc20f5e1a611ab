"""The callback that writes history and timing into the run folder, an epoch at a time."""

import time

import keras

from fashion_zoo.runs import Run


class Recorder(keras.callbacks.Callback):
    """Write ``history.csv`` and ``timing.csv`` after each epoch.

    Times stand apart, so that two trainings with the same seed have the same history file.

    Args:
        run: where to write.
        images_per_step: images a step, for the speed.
    """

    def __init__(self, run: Run, images_per_step: int):
        super().__init__()
        self.run = run
        self.images_per_step = images_per_step
        self.rows: list[dict] = []
        self.times: list[dict] = []
        self.began = self.trained = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.began = self.trained = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.trained = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        images = self.params["steps"] * self.images_per_step
        self.rows.append({"epoch": epoch + 1, **{name: float(x) for name, x in logs.items()}})
        self.times.append(
            {
                "epoch": epoch + 1,
                "seconds": round(time.perf_counter() - self.began, 3),
                "images_per_second": round(images / (self.trained - self.began)),
            }
        )
        self.run.write_table("history.csv", self.rows)
        self.run.write_table("timing.csv", self.times)
