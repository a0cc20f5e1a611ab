"""Build and compile the model of a recipe, and train it with Keras's own ``fit``."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from fashion_zoo import optimizers
from fashion_zoo.callbacks import ProgressDisplay
from fashion_zoo.data import Dataset, Images, reshape
from fashion_zoo.data.batches import encode
from fashion_zoo.data.pipeline import Pipeline, training_pipeline
from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.layers import ScheduledDropout
from fashion_zoo.machine import precision
from fashion_zoo.registry import Recipe
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.show.waiting import Progress, waiting
from fashion_zoo.training.callbacks import own_callbacks
from fashion_zoo.training.checkpoint import Checkpoint, restore_variables
from fashion_zoo.training.distillation import Distillation
from fashion_zoo.training.loss import METRICS, set_training_loss, teaching_of
from fashion_zoo.training.parallel import ONE, VALIDATION_BATCH, Devices
from fashion_zoo.training.plan import Plan
from fashion_zoo.training.recomputing import set_checkpointing
from fashion_zoo.training.recorder import Recorder
from fashion_zoo.training.untrained import untrained_losses


@precision.keras_defaults()
def build_model(entry: Recipe, config: Any, plan: Plan) -> keras.Model:
    """Build a recipe's model from the ``model`` of a ``RunConfig``, uncompiled."""
    return entry.builder(config, seed=plan.seed, dtype=plan.dtype)


@precision.keras_defaults()
def compile_model(
    model: keras.Model, plan: Plan, *, steps_per_execution: int | None = None
) -> keras.Model:
    """Compile a model in place and return it; by default an execution takes about a second.

    The compiled loss is plain cross-entropy, which evaluation uses; training uses that of the plan.

    Raises:
        ConfigError, RunError: if the plan has a teacher, as ``Distillation``.
    """
    teaching = Distillation(plan.distillation, model) if plan.distillation.enabled else None
    loss: keras.losses.Loss
    if plan.soft_labels:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, dtype="float32")
        accuracy = keras.metrics.CategoricalAccuracy(name="accuracy", dtype="float32")
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float32")
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy", dtype="float32")
    classes = model.output_shape[-1]
    further = [METRICS[name](classes, plan.soft_labels, name) for name in plan.metrics]
    model.compile(
        optimizer=optimizers.build_optimizer(
            plan.optimizer,
            clipping=plan.clipping,
            accumulation=plan.accumulation,
            measures=plan.measures,
            scale_loss=plan.dtype == "mixed_float16",
            adjustable=plan.plateau.monitor != "none",
            average_decay=plan.averaging.decay,
            **plan.live("optimizer"),
        ),
        loss=loss,
        metrics=[accuracy, *further],
        steps_per_execution=steps_per_execution
        or steps_of_about_a_second(
            _cost(model, None if plan.taught_before else teaching), plan.batch_size, plan.steps
        ),
    )
    # A step that makes variables is traced twice, and XLA cannot copy weights in it.
    optimizers.ensure_built(model.optimizer, model.trainable_variables)
    set_training_loss(model, plan, teaching)
    set_checkpointing(model, plan.checkpointing)
    return model


def _cost(model: keras.Model, teaching: Distillation | None) -> int:
    """Return how many parameters of dense layers would train as fast.

    A teacher in the step predicts, which is a third of one.
    """
    return _used(model) + (_used(teaching.teacher) // 3 if teaching else 0)


def _used(model: keras.Model) -> int:
    """Return how many parameters an image meets: those of a convolution once at each place."""
    layers = model._flatten_layers()
    again = sum((_places(layer) - 1) * layer.count_params() for layer in layers)
    return model.count_params() + again


def _places(layer: keras.layers.Layer) -> int:
    """Return the places of the feature maps of a convolution, 1 for another layer."""
    if not hasattr(layer, "data_format") or not hasattr(layer, "kernel"):
        return 1
    try:
        maps = layer.output.shape[1:]
    except (AttributeError, ValueError):  # it is used twice
        return 1
    channels = maps[0] if layer.data_format == "channels_first" else maps[-1]
    return 1 if None in maps else math.prod(maps) // channels


def steps_of_about_a_second(parameters: int, batch_size: int, steps: int) -> int:
    """Estimate how many steps take about a second on a small CPU, at least 1, at most an epoch.

    A training step costs 6 operations per parameter and image (2 forward, 4 backward; Kaplan et
    al. 2020, arXiv:2001.08361, section 2.1). 50 GFLOP/s and 2 ms of overhead per step were
    measured on two cores. An estimate keeps runs repeatable where a stopwatch would not.
    """
    if keras.backend.backend() == "torch":  # where Keras has no longer executions
        return 1
    seconds = 0.002 + 6 * parameters * batch_size / 50e9
    return max(min(int(1 / seconds), steps), 1)


def check_batch(model: keras.Model, batch_size: int) -> None:
    """Refuse batches of one image under batch normalization.

    Minus its own mean an image is 0, so that the model would learn nothing, without an error.
    """
    for layer in model._flatten_layers() if batch_size == 1 else ():
        norm = isinstance(layer, keras.layers.BatchNormalization)
        if norm and layer.input_spec.ndim == 2:  # a feature map has many places to normalize over
            raise ConfigError(
                f"Batch normalization ({layer.name}) needs at least 2 images a step, received 1. "
                "Set ",
                Hint("training.batch_size", 2),
                " or more.",
            )


@precision.keras_defaults()
def fit(
    model: keras.Model,
    plan: Plan,
    dataset: Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
    display: TrainingDisplay,
    recorder: Recorder | None = None,
    *,
    initial_epoch: int = 0,
    compiled: bool = False,
    devices: Devices = ONE,
) -> None:
    """Train a model with Keras's own ``fit``.

    The ``callbacks`` of the caller come after those of the plan, so that they see the complete logs
    of an epoch, and before display and recorder. The recorder has the checkpoint to start from;
    without one, ``initial_epoch`` epochs are done. ``compiled`` is whether model and plan have been
    through ``compile_model`` already. ``devices`` are those for which the model was built.

    Raises:
        ConfigError: as ``check_batch``; or if the plan moves a value that the model does not have.
        RunError: if the checkpoint does not fit the model.
    """
    check_batch(model, plan.batch_size)
    if not compiled:
        with devices.creating():
            compile_model(model, plan, steps_per_execution=devices.steps_per_execution)
    with waiting("Preparing the batches", display.enabled):
        pipeline = make_pipeline(model, plan, dataset, display.enabled)
    images = reshape(dataset.validation.images, model.input_shape[1:])
    smoothing = 0.0 if plan.soft_labels else None  # validation labels are never smoothed
    labels = encode(dataset.validation.labels, model.output_shape[-1], smoothing)
    untrained = untrained_losses(model, plan, images[:VALIDATION_BATCH], labels[:VALIDATION_BATCH])
    size = devices.validation_batch(len(labels))
    own = own_callbacks(model, plan, pipeline, (images, labels), untrained, size)
    every = [*own, *callbacks, ProgressDisplay(display, plan.batch_size)]
    if recorder:
        initial_epoch = _restore(model, recorder.start, plan, devices)
        recorder.others, recorder.required = tuple(every), tuple(own)
        every.append(recorder)
    elif initial_epoch:
        _set_step(model, initial_epoch * plan.steps)
    try:
        with devices.fitting(model):
            model.fit(
                pipeline.batches,
                initial_epoch=initial_epoch,
                epochs=plan.epochs,
                shuffle=False,  # the pipeline has its own order, keyed by seed and epoch
                validation_data=(images, labels),
                validation_batch_size=size,
                callbacks=every,
                verbose=0,
            )
    except KeyboardInterrupt:
        for callback in every:  # fit skips it; early stopping restores its best weights in it
            callback.on_train_end()
        raise
    finally:
        display.stop()


def make_pipeline(
    model: keras.Model, plan: Plan, dataset: Dataset, progress: Progress = False
) -> Pipeline:
    """Make the pipeline of a plan, for the shape and the classes of a model.

    If the model is compiled with a teacher, and images are neither augmented nor mixed, or epochs
    repeat, labels are pairs: the labels, and the logits of the teacher, which predicts here.
    """
    images, labels = dataset.train
    images, teaching = reshape(images, model.input_shape[1:]), teaching_of(model)

    def made(taught: np.ndarray | None = None) -> Pipeline:
        return training_pipeline(
            Images(images, labels),
            batch_size=plan.batch_size,
            seed=plan.seed,
            num_classes=model.output_shape[-1],
            soft_labels=plan.soft_labels,
            sampling=plan.sampling,
            accumulation=plan.accumulation,
            policy=plan.augmentation,
            prior=plan.prior,
            views=plan.views,
            taught=taught,
            image_weights=plan.image_weights,
            image_shape=dataset.image_shape,
            **plan.live("pipeline"),
        )

    if not (teaching and plan.taught_before):
        return made()
    if plan.views is None:
        return made(teaching.logits_of_all(images, plan.batch_size))
    return made(teaching.logits_of_epochs(made(), plan.views.firsts, progress))


def _restore(model: keras.Model, start: Checkpoint | None, plan: Plan, devices: Devices) -> int:
    """Restore the model from a checkpoint, and return the initial epoch for ``fit``.

    It is the number of epochs if there is nothing left to train.
    """
    if start is None:
        return 0
    with devices.creating():  # the variables of the optimizer
        restore_variables(model, start)
    if start.forked:  # its epochs may have had more steps or fewer
        _set_step(model, start.epochs * plan.steps)
        for layer in model._flatten_layers():  # the checkpoint has the rate of the origin
            if isinstance(layer, ScheduledDropout):
                layer.rate.assign(layer.base_rate)
    return plan.epochs if start.stopped else min(start.epochs, plan.epochs)


def _set_step(model: keras.Model, step: int) -> None:
    """Set the step of the optimizer's schedules."""
    # Not ``iterations``, which counts updates if gradients are accumulated.
    optimizers.counting(model.optimizer)._iterations.assign(step)
