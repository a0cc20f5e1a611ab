"""Keras's own ``fit``, with the pipeline and the callbacks of a config."""

from collections.abc import Sequence

import keras
import numpy as np

import fashion_zoo.training.state as states
from fashion_zoo import optimizers, schedules
from fashion_zoo.callbacks import (
    AdaptiveDropout,
    DropoutScheduler,
    EarlyStopping,
    OptimizerLogger,
    ProgressDisplay,
    StopOnDivergence,
    TimeBudget,
)
from fashion_zoo.config import RunConfig, TrainingConfig
from fashion_zoo.data import Dataset, Images, reshape
from fashion_zoo.data.batches import encode, steps_per_epoch
from fashion_zoo.data.pipeline import Pipeline, training_pipeline
from fashion_zoo.errors import Hint, Message
from fashion_zoo.layers import ScheduledDropout
from fashion_zoo.machine import precision
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training.compilation import (
    check_batch,
    compile_model,
    steps_of_about_a_second,
    untrained_loss,
)
from fashion_zoo.training.ending import VALIDATION_BATCH
from fashion_zoo.training.recorder import Recorder


@precision.keras_defaults()
def fit(
    model: keras.Model,
    config: RunConfig,
    dataset: Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
    display: TrainingDisplay,
    recorder: Recorder | None = None,
    *,
    initial_epoch: int = 0,
) -> None:
    """Compile the model and train it with Keras's own ``fit``.

    Args:
        model: built from ``config``.
        config: how to train it.
        dataset: the images.
        callbacks: what else to call. They come after those of the config, so that they see the
            complete logs of an epoch, and before what shows and keeps it.
        display: what shows the progress.
        recorder: what keeps the epochs, and knows the state to go on from.
        initial_epoch: epochs that a model without a recorder has behind it.

    Raises:
        RunError: the state does not fit the model.
    """
    training = config.training
    num_classes, shape = model.output_shape[-1], model.input_shape[1:]
    pipeline, (images, labels) = prepare(model, config, dataset), dataset.validation
    images = reshape(images, shape)
    # Validation labels are never smoothed: they measure the true ones.
    answers = encode(labels, num_classes, 0.0 if pipeline.soft else None)
    own: list[keras.callbacks.Callback] = [
        FollowPipeline(pipeline),
        OptimizerLogger(),
        *_movers(training),
        _stop_on_divergence(model, training, images, answers),
        *_stoppers(training, len(labels)),
    ]
    watchers = [*own, *callbacks, ProgressDisplay(display, pipeline.images_per_step)]
    start = recorder.start if recorder else None
    if start:
        _go_on(model, start, pipeline.steps)
        initial_epoch = _first_epoch(start, training.epochs)
    elif initial_epoch:
        _stand_at(model, initial_epoch * pipeline.steps)
    if recorder:
        recorder.others, recorder.required = tuple(watchers), tuple(own)
        watchers.append(recorder)
    try:
        model.fit(
            pipeline.batches,
            initial_epoch=initial_epoch,
            epochs=training.epochs,
            shuffle=False,  # the pipeline has its own order, keyed by seed and epoch
            validation_data=(images, answers),
            validation_batch_size=VALIDATION_BATCH,
            callbacks=watchers,
            verbose=0,
        )
    except KeyboardInterrupt:
        for watcher in watchers:  # fit leaves this out; early stopping puts its best weights back
            watcher.on_train_end()
        raise
    finally:
        display.stop()


def prepare(model: keras.Model, config: RunConfig, dataset: Dataset) -> Pipeline:
    """Make the pipeline, and compile the model for its steps.

    Raises:
        ConfigError: as ``check_batch``.
    """
    training, moving = config.training, config.training.schedules
    images, labels = dataset.train
    check_batch(model, training.batch_size, len(labels))
    total_steps = steps_per_epoch(len(labels), training.batch_size) * training.epochs

    def table(schedule: str, base: float) -> list[float] | None:
        if schedule == "constant":
            return None
        return schedules.tabulate(schedules.get(schedule), base, total_steps)

    pipeline = training_pipeline(
        Images(reshape(images, model.input_shape[1:]), labels),
        batch_size=training.batch_size,
        seed=config.seed,
        num_classes=model.output_shape[-1],
        image_shape=dataset.image_shape,
        label_smoothing=table(moving.label_smoothing, training.label_smoothing)
        or training.label_smoothing,
        policy=training.policy,
        augmentation=table(moving.augmentation, 1.0),
        mixing=table(moving.mixing, 1.0),
    )
    compile_model(
        model,
        config,
        total_steps=total_steps,
        steps_per_execution=steps_of_about_a_second(
            model.count_params(), training.batch_size, pipeline.steps
        ),
        soft_labels=pipeline.soft,
    )
    return pipeline


def _go_on(model: keras.Model, start: states.State, steps: int) -> None:
    """Put the state into the model."""
    states.put_back(model, start)
    if start.forked:  # its epochs may have had more steps or fewer
        _stand_at(model, start.epochs * steps)
        for layer in model._flatten_layers():  # the origin's rate is a variable of the state
            if isinstance(layer, ScheduledDropout):
                layer.rate.assign(layer.base_rate)


def _stand_at(model: keras.Model, step: int) -> None:
    """Put the optimizer at a step of its schedules."""
    optimizers.counting(model.optimizer).iterations.assign(step)


def _first_epoch(start: states.State, epochs: int) -> int:
    """Return the epoch to begin with; the number of epochs when there is nothing left to train."""
    return epochs if start.stopped else min(start.epochs, epochs)


class FollowPipeline(keras.callbacks.Callback):
    """Tell the pipeline which epoch begins, and log what it applied."""

    def __init__(self, pipeline: Pipeline):
        super().__init__()
        self.pipeline = pipeline

    def on_epoch_begin(self, epoch, logs=None):
        self.pipeline.start_epoch(epoch)

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self.pipeline.applied(epoch))


def _movers(training: TrainingConfig) -> list[keras.callbacks.Callback]:
    """Return what moves the dropout rates."""
    moving, adaptive = training.schedules, training.adaptive_dropout
    if adaptive.enabled:
        return [AdaptiveDropout(adaptive.target, adaptive.gain, adaptive.lowest, adaptive.highest)]
    if moving.dropout != "constant":
        return [DropoutScheduler(schedules.get(moving.dropout), each=moving.dropout_each)]
    return []


def _stoppers(training: TrainingConfig, images: int) -> list[keras.callbacks.Callback]:
    """Return what may end the training before its last epoch."""
    stopping = training.early_stopping
    stoppers: list[keras.callbacks.Callback] = []
    if stopping.monitor != "none":
        stoppers.append(
            EarlyStopping(
                images=images if stopping.significant else None,
                monitor=f"val_{stopping.monitor}",
                mode="max" if stopping.monitor == "accuracy" else "min",
                patience=stopping.patience,
                min_delta=stopping.min_delta,
                restore_best_weights=True,
            )
        )
    if stopping.budget is not None:
        stoppers.append(TimeBudget(stopping.budget))
    return stoppers


def _stop_on_divergence(
    model: keras.Model, training: TrainingConfig, images: np.ndarray, labels: np.ndarray
) -> StopOnDivergence:
    """Measure the loss of the model as it is now, untrained, and watch for what is far above."""
    few = slice(VALIDATION_BATCH)
    return StopOnDivergence(untrained_loss(model, images[few], labels[few]), _advice(training))


def _advice(training: TrainingConfig) -> Message:
    clip = () if training.clip_norm else (", or ", Hint("training.clip_norm", 1.0))
    lower = Hint("training.learning_rate", training.learning_rate / 10)
    return Message("Try ", lower, f" (it was {training.learning_rate:g})", *clip, ".")
