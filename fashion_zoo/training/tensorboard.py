"""Callbacks that write what a training does for TensorBoard, and a trace of some of its steps."""

import functools
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fashion_zoo.config import TrainingConfig
from fashion_zoo.data import Dataset, reshape
from fashion_zoo.data.batches import encode
from fashion_zoo.errors import ConfigError, FashionZooError
from fashion_zoo.evaluation.predict import probabilities
from fashion_zoo.language.wording import counted
from fashion_zoo.layers import as_array
from fashion_zoo.runs import Run
from fashion_zoo.show import figures, plots, streams
from fashion_zoo.training.gradients import of_training
from fashion_zoo.training.plan import Plan

FOLDER = "tensorboard"
"""The folder in a run."""
_SHOWN = 20  # mistakes in a picture


def check(training: TrainingConfig) -> None:
    """Raise ConfigError if what is asked for cannot be written here."""
    backend = keras.backend.backend()
    if training.tensorboard and backend != "tensorflow":
        raise ConfigError(
            f"training.tensorboard is written by TensorFlow, and the backend is {backend}. Set "
            "KERAS_BACKEND=tensorflow, or leave it out."
        )
    if training.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise ConfigError(
            "training.tensorboard needs TensorBoard, which is not installed. Install it with "
            "pip install tensorboard, or leave it out."
        )
    if training.profile and backend not in ("tensorflow", "jax"):
        raise ConfigError(
            f"training.profile needs the profiler of TensorFlow or JAX, and the backend is "
            f"{backend}. Leave it out."
        )


def watching(run: Run, plan: Plan, dataset: Dataset) -> list[keras.callbacks.Callback]:
    """Return the callbacks that a run asks for, which see the complete logs of an epoch."""
    folder, training = run.to_write(FOLDER), run.config.training
    found: list[keras.callbacks.Callback] = []
    if training.tensorboard:
        found.append(TensorBoard(folder, plan, dataset, run.caption))
    return [*found, Profile(folder)] if training.profile else found


class TensorBoard(keras.callbacks.TensorBoard):
    """Keras's own callback, with the scalars of ``history.csv``, gradients and mistakes.

    Scalars, histograms of weights and the graph are Keras's. Histograms of gradients are of the
    first images that are trained on, without augmentation; the most confident mistakes on the
    validation images are drawn at the end. What an epoch wrote is on the disk before its
    checkpoint, so a resumed training goes on without a gap.

    Args:
        folder: where the event files are written.
        plan: the plan of the training.
        dataset: its images.
        caption: of the picture of mistakes.
    """

    def __init__(self, folder: Path, plan: Plan, dataset: Dataset, caption: str):
        super().__init__(str(folder), histogram_freq=1)
        self.plan, self.dataset, self.caption = plan, dataset, caption
        self.epochs = 0

    @functools.cached_property
    def _batch(self) -> tuple[np.ndarray, np.ndarray]:
        images, labels = (part[: self.plan.batch_size] for part in self.dataset.train)
        shaped = reshape(images, self.model.input_shape[1:]).astype("float32")
        smoothing = 0.0 if self.plan.soft_labels else None
        return shaped, encode(labels, self.model.output_shape[-1], smoothing)

    def _collect_learning_rate(self, logs):
        return logs  # which have the rate of the last step; Keras would add that of the next

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.epochs = epoch
        found = of_training(self.model, *self._batch)
        with self._train_writer.as_default():
            for variable, gradient in zip(self.model.trainable_variables, found, strict=True):
                name = f"{variable.path}/gradient"
                self.summary.histogram(name, as_array(gradient), step=epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs=None):
        try:
            picture = figures.draw(self._mistakes)
        except FashionZooError as error:
            streams.say(f"warning: TensorBoard has no picture of mistakes. {error}")
        else:
            with self._val_writer.as_default():
                self.summary.image("mistakes", _pixels(picture)[None], step=self.epochs)
        super().on_train_end(logs)

    def _mistakes(self) -> Any:
        (images, labels), names = self.dataset.validation, self.dataset.class_names
        found = probabilities(self.model, images)
        predicted, confidence = found.argmax(axis=1), found.max(axis=1)
        wrong = np.flatnonzero(predicted != labels)
        worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:_SHOWN]
        return plots.errors(
            images[worst],
            [names[label] for label in labels[worst]],
            [names[label] for label in predicted[worst]],
            confidence[worst].tolist(),
            indices=self.dataset.used.validation[worst].tolist(),
            caption=f"{self.caption}; {counted(len(wrong), 'mistake')} on "
            f"{counted(len(labels), 'validation image')}.",
        )


def _pixels(picture: bytes) -> np.ndarray:
    """Return the (height, width, 3) pixels of a PNG file."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        return np.asarray(opened.convert("RGB"))


class Profile(keras.callbacks.Callback):
    """Write a trace of one execution, the second of a training: the first one is traced by Keras.

    Args:
        folder: where the trace is written.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = str(folder)
        self.executions = 0
        self.running = False

    def on_train_begin(self, logs=None):
        self.executions, self.running = 0, False

    def on_train_batch_begin(self, batch, logs=None):
        if self.executions == 1:
            _profiler()[0](self.folder)
            self.running = True

    def on_train_batch_end(self, batch, logs=None):
        self.executions += 1
        self._stop()

    def on_train_end(self, logs=None):
        self._stop()  # after Ctrl-C
        if self.executions < 2:
            streams.say("There is no trace: the training had one execution, which compiles.")

    def _stop(self) -> None:
        if self.running:
            self.running = False
            _profiler()[1]()
            streams.say(
                f"The trace of an execution is in {self.folder}. Look at it with: pip install "
                f"xprof && tensorboard --logdir {self.folder}"
            )


def _profiler() -> tuple[Callable[[str], Any], Callable[[], Any]]:
    """Return the functions that start and stop the backend's profiler."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.profiler.start_trace, jax.profiler.stop_trace
    import tensorflow as tf

    return tf.profiler.experimental.start, tf.profiler.experimental.stop
