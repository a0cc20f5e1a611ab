"""One training, from a config to a run folder."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from fashion_zoo import environment, precision, runs, schedules, storage
from fashion_zoo.callbacks import (
    DropoutScheduler,
    LearningRateLogger,
    ProgressDisplay,
    StopOnDivergence,
    StopOnInterrupt,
)
from fashion_zoo.config import Recipe, RunConfig, TrainingConfig
from fashion_zoo.data import CLASS_NAMES, Images, Split, load_split, reshape
from fashion_zoo.data.batches import encode
from fashion_zoo.data.pipeline import Pipeline, training_pipeline
from fashion_zoo.errors import ConfigError
from fashion_zoo.runs import Run
from fashion_zoo.show import plots
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training.compilation import (
    build_model,
    compile_model,
    steps_of_about_a_second,
)
from fashion_zoo.training.recorder import Recorder

_VALIDATION_BATCH = 1000  # images; divides 5,000, so validation needs one shape only


class Ended(NamedTuple):
    """How a training ended."""

    run: Run
    interrupted: bool
    """Whether Ctrl-C was pressed; then nothing should follow."""


def train_run(
    entry: Recipe,
    config: RunConfig,
    path: str | Path,
    *,
    force: bool = False,
    display: TrainingDisplay | None = None,
) -> Ended:
    """Train a recipe into a new run folder.

    Ctrl-C ends it cleanly: the weights trained so far are saved.

    Args:
        entry: the recipe.
        config: what to train it with.
        path: the run folder to make.
        force: replace an older run there.
        display: what shows the progress.

    Raises:
        ConfigError: the model does not fit the data.
        DataError: a data file is damaged.
        RunError: there is a run already.
        StorageError: the run cannot be written.
        TrainingError: the loss became NaN or infinite.
    """
    runs.check_free(path, force=force)
    split = load_split(config.data)
    model = build_model(entry, config)
    _check_fit(model, entry.name)
    chosen = precision.choose(config.precision)
    surroundings = {
        **environment.describe(),
        "precision": {"asked": config.precision, **chosen._asdict()},
    }
    with (
        runs.create(path, entry.name, config, surroundings, force=force) as run,
        StopOnInterrupt() as stop,
    ):
        started, finished = time.perf_counter(), True
        recorder = Recorder(run, min(config.training.batch_size, len(split.train.labels)))
        try:
            fit(model, config, split, [stop, recorder], display or TrainingDisplay(enabled=False))
        except KeyboardInterrupt:
            if stop.insisted:
                raise
            finished = False
        run.save_model(model)
        summary = {
            "finished": finished,
            "epochs": len(recorder.rows),
            "seconds": round(time.perf_counter() - started, 2),
            **_validate(model, split.validation),
        }
        storage.write_json(run.path / "training.json", summary)
        if recorder.rows:
            title = f"{entry.name}, seed {config.seed}"
            with storage.atomic_file(run.path / "curves.png") as temporary:
                plots.curves(run.history(), title).savefig(temporary)
    return Ended(run, interrupted=stop.asked or not finished)


def fit(
    model: keras.Model,
    config: RunConfig,
    split: Split,
    callbacks: Sequence[keras.callbacks.Callback],
    display: TrainingDisplay,
) -> None:
    """Compile the model and train it with Keras's own ``fit``.

    Args:
        model: built from ``config``.
        config: how to train it.
        split: the images.
        callbacks: what else to call; they see the complete logs of an epoch.
        display: what shows the progress.
    """
    training = config.training
    num_classes, smoothing = model.output_shape[-1], training.label_smoothing
    shape = model.input_shape[1:]
    train, validation = (Images(reshape(part.images, shape), part.labels) for part in split)
    pipeline = training_pipeline(
        train,
        batch_size=training.batch_size,
        seed=config.seed,
        num_classes=num_classes,
        label_smoothing=smoothing,
    )
    size = model.count_params()
    compile_model(
        model,
        config,
        total_steps=pipeline.steps * training.epochs,
        steps_per_execution=steps_of_about_a_second(size, training.batch_size, pipeline.steps),
        soft_labels=bool(smoothing),
    )
    watchers = [
        *_own_callbacks(training, pipeline),
        *callbacks,
        ProgressDisplay(display, pipeline.images_per_step),
    ]
    try:
        model.fit(
            pipeline.batches,
            epochs=training.epochs,
            shuffle=False,  # the pipeline has its own order, keyed by seed and epoch
            validation_data=(
                validation.images,
                # never smoothed: validation measures the true labels
                encode(validation.labels, num_classes, 0.0 if smoothing else None),
            ),
            validation_batch_size=_VALIDATION_BATCH,
            callbacks=watchers,
            verbose=0,
        )
    except KeyboardInterrupt:
        for watcher in watchers:  # fit leaves this out; early stopping puts its best weights back
            watcher.on_train_end()
        raise
    finally:
        display.stop()


def _own_callbacks(training: TrainingConfig, pipeline: Pipeline) -> list[keras.callbacks.Callback]:
    """Those that log come before those that read the logs."""
    callbacks = [
        keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: pipeline.start_epoch(epoch)
        ),
        LearningRateLogger(),
    ]
    if training.schedules.dropout != "constant":
        callbacks.append(DropoutScheduler(schedules.get(training.schedules.dropout)))
    callbacks.append(StopOnDivergence(_advice(training)))
    if training.early_stopping.monitor != "none":
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor=f"val_{training.early_stopping.monitor}",
                mode="max" if training.early_stopping.monitor == "accuracy" else "min",
                patience=training.early_stopping.patience,
                min_delta=training.early_stopping.min_delta,
                restore_best_weights=True,
            )
        )
    return callbacks


def _advice(training: TrainingConfig) -> str:
    clip = "" if training.clip_norm else ", or --training.clip-norm 1"
    return (
        f"Try --training.learning-rate {training.learning_rate / 10:g} "
        f"(it was {training.learning_rate:g}){clip}."
    )


def _check_fit(model: keras.Model, name: str) -> None:
    """Check that the model can read the images and tell their classes apart."""
    classes = model.output_shape[-1]
    if classes != len(CLASS_NAMES):
        raise ConfigError(
            f"{name} has num_classes={classes}, but the data has {len(CLASS_NAMES)} classes."
        )
    reshape(np.zeros((1, 28, 28), dtype=np.uint8), model.input_shape[1:])


def _validate(model: keras.Model, validation: Images) -> Mapping[str, Any]:
    """Measure the weights as saved: early stopping or Ctrl-C may not leave the last epoch's."""
    images = reshape(validation.images, model.input_shape[1:])
    logits = model.predict(images, batch_size=_VALIDATION_BATCH, verbose=0)
    correct = int((logits.argmax(axis=-1) == validation.labels).sum())
    return {
        "validation_correct": correct,
        "validation_images": len(validation.labels),
        "validation_accuracy": correct / len(validation.labels),
    }
