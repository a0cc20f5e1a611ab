"""From a recipe and a config to a model that can be trained."""

import math
from collections.abc import Iterator

import keras
import numpy as np

from fashion_zoo import schedules
from fashion_zoo.config import RunConfig
from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.machine import precision
from fashion_zoo.optimizers import TabulatedSchedule, build_optimizer
from fashion_zoo.registry import Recipe


@precision.keras_defaults()
def build_model(entry: Recipe, config: RunConfig) -> keras.Model:
    """Build the recipe's model under the config's precision, uncompiled."""
    policy = precision.choose(config.precision).policy
    return entry.builder(config.model, seed=config.seed, dtype=policy)


@precision.keras_defaults()
def compile_model(
    model: keras.Model,
    config: RunConfig,
    *,
    total_steps: int | None = None,
    steps_per_execution: int = 1,
    soft_labels: bool = False,
) -> keras.Model:
    """Compile a model in place and return it.

    Args:
        model: takes pixels, returns logits.
        config: its ``training`` and ``precision`` are used.
        total_steps: steps of the whole training, over which learning rate and weight decay follow
            their schedules; None keeps them at their base values.
        steps_per_execution: steps between two returns to Python.
        soft_labels: whether labels are (batch, classes) probabilities, not (batch,) integers.
    """
    training, moving = config.training, config.training.schedules
    learning_rate: float | TabulatedSchedule = training.learning_rate
    weight_decay = None
    if total_steps:
        learning_rate = _tabulate(moving.learning_rate, training.learning_rate, total_steps)
        if moving.weight_decay != "constant":
            weight_decay = _tabulate(moving.weight_decay, training.weight_decay, total_steps)
    scale_loss = precision.choose(config.precision).policy == "mixed_float16"
    loss: keras.losses.Loss
    if soft_labels:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, dtype="float32")
        accuracy = keras.metrics.CategoricalAccuracy(name="accuracy", dtype="float32")
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float32")
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy", dtype="float32")
    model.compile(
        optimizer=build_optimizer(
            training, learning_rate, weight_decay=weight_decay, scale_loss=scale_loss
        ),
        loss=loss,
        metrics=[accuracy],
        steps_per_execution=steps_per_execution,
    )
    return model


def untrained_loss(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the loss of a compiled model before its first step, and no less than that of guessing.

        max(ln(classes), mean loss of the images, penalties included)

    ln(classes) is the cross-entropy of equal probabilities with any labels, soft ones included. The
    loss of the images counts where kernels or pixels are large, or a penalty is in the loss.

    Args:
        model: compiled; takes pixels, returns logits.
        images: (n, *input_shape), a batch of them.
        labels: what the loss takes.
    """
    logits = model(images, training=False)
    found = float(keras.ops.convert_to_numpy(model.compute_loss(y=labels, y_pred=logits)))
    guessing = math.log(logits.shape[-1])
    return max(guessing, found) if math.isfinite(found) else guessing


def _tabulate(schedule: str, base: float, steps: int) -> TabulatedSchedule:
    return TabulatedSchedule(schedules.tabulate(schedules.get(schedule), base, steps))


def steps_of_about_a_second(parameters: int, batch_size: int, steps: int) -> int:
    """Estimate how many steps take about a second on a small CPU, at most an epoch.

    A training step costs 6 operations a parameter and image (2 forward, 4 backward; Kaplan et
    al. 2020, arXiv:2001.08361, section 2.1). 50 GFLOP/s and 2 ms of overhead a step were
    measured on two cores. An estimate keeps runs repeatable where a stopwatch would not.

    With PyTorch it is one step: Keras has no longer executions there.
    """
    if keras.backend.backend() == "torch":
        return 1
    seconds_a_step = 0.002 + 6 * parameters * batch_size / 50e9
    return min(max(int(1 / seconds_a_step), 1), steps)


def check_batch(model: keras.Model, batch_size: int, count: int) -> None:
    """Check that batch normalization gets more than one image to normalize by.

    Args:
        model: what is trained.
        batch_size: images a step that were asked for.
        count: number of training images.

    Raises:
        ConfigError: a step has one image. Less its mean it is 0 whatever it shows, so the model
            would learn nothing, in silence.
    """
    if min(batch_size, count) > 1:
        return
    more = Hint("training.batch_size", 2) if batch_size < 2 else Hint("data.limit", 2)
    for layer in _layers(model):
        norm = isinstance(layer, keras.layers.BatchNormalization)
        if norm and layer.input_spec.ndim == 2:  # a feature map has many places to normalize over
            raise ConfigError(
                f"Batch normalization ({layer.name}) needs at least 2 images a step, received 1. "
                "Set ",
                more,
                " or more.",
            )


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a model and of the models in it."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
