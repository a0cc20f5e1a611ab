"""From a recipe and a config to a model that can be trained."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.machine import precision
from fashion_zoo.optimizers import build_optimizer
from fashion_zoo.registry import Recipe
from fashion_zoo.training.plan import Plan


@precision.keras_defaults()
def build_model(entry: Recipe, config: Any, plan: Plan) -> keras.Model:
    """Build the recipe's model, uncompiled.

    Args:
        entry: the recipe.
        config: of its family, the ``model`` of a ``RunConfig``.
        plan: whose seed and dtype are used.
    """
    return entry.builder(config, seed=plan.seed, dtype=plan.dtype)


@precision.keras_defaults()
def compile_model(model: keras.Model, plan: Plan, *, steps_per_execution: int = 1) -> keras.Model:
    """Compile a model in place and return it.

    Args:
        model: takes pixels, returns logits.
        plan: what it will be trained by.
        steps_per_execution: steps between two returns to Python.
    """
    loss: keras.losses.Loss
    if plan.soft_labels:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, dtype="float32")
        accuracy = keras.metrics.CategoricalAccuracy(name="accuracy", dtype="float32")
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float32")
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy", dtype="float32")
    model.compile(
        optimizer=build_optimizer(
            plan.optimizer,
            clip_norm=plan.clip_norm,
            scale_loss=plan.dtype == "mixed_float16",
            **plan.live("optimizer"),
        ),
        loss=loss,
        metrics=[accuracy],
        steps_per_execution=steps_per_execution,
    )
    return model


def compile_to_train(model: keras.Model, plan: Plan) -> None:
    """Compile a model for ``fit``: an execution takes about a second."""
    execution = steps_of_about_a_second(model.count_params(), plan.batch_size, plan.steps)
    compile_model(model, plan, steps_per_execution=execution)


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


def check_batch(model: keras.Model, batch_size: int) -> None:
    """Check that batch normalization gets more than one image a step to normalize by.

    Raises:
        ConfigError: it gets one. Less its mean it is 0 whatever it shows, so the model would learn
            nothing, in silence.
    """
    if batch_size > 1:
        return
    for layer in _layers(model):
        norm = isinstance(layer, keras.layers.BatchNormalization)
        if norm and layer.input_spec.ndim == 2:  # a feature map has many places to normalize over
            raise ConfigError(
                f"Batch normalization ({layer.name}) needs at least 2 images a step, received 1. "
                "Set ",
                Hint("training.batch_size", 2),
                " or more.",
            )


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a model and of the models in it."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
