"""Build and compile the model of a recipe."""

import math
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
    """Build a recipe's model from the ``model`` of a ``RunConfig``, uncompiled."""
    return entry.builder(config, seed=plan.seed, dtype=plan.dtype)


@precision.keras_defaults()
def compile_model(
    model: keras.Model, plan: Plan, *, steps_per_execution: int | None = None
) -> keras.Model:
    """Compile a model in place and return it; by default an execution takes about a second."""
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
        steps_per_execution=steps_per_execution
        or steps_of_about_a_second(model.count_params(), plan.batch_size, plan.steps),
    )
    return model


def untrained_loss(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the loss of a compiled, untrained model on some images, at least that of guessing.

        max(ln(classes), mean loss of the images, penalties included)

    ln(classes) is the cross-entropy of equal probabilities with any labels, soft ones included. The
    loss of the images counts where kernels or pixels are large, or a penalty is in the loss.
    """
    logits = model(images, training=False)
    found = float(keras.ops.convert_to_numpy(model.compute_loss(y=labels, y_pred=logits)))
    guessing = math.log(logits.shape[-1])
    return max(guessing, found) if math.isfinite(found) else guessing


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
