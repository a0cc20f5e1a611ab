"""The loss of a model before its first step, with which that of a training is compared."""

import functools
import math
from collections.abc import Callable

import keras
import numpy as np

from fashion_zoo.callbacks import AdaptiveDropout
from fashion_zoo.layers import ScheduledDropout
from fashion_zoo.training.plan import Plan


def untrained_losses(
    model: keras.Model, plan: Plan, images: np.ndarray, labels: np.ndarray
) -> tuple[float, float]:
    """Return ``untrained_loss`` as the model is evaluated, and as it is trained by a plan."""
    evaluated = untrained_loss(model, images, labels)
    rate = functools.partial(_most_dropout, plan)
    return evaluated, untrained_loss(model, images, labels, training=True, rate=rate)


def untrained_loss(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    training: bool = False,
    rate: Callable[[float], float] = float,
) -> float:
    """Return the loss of an untrained model on some images, at least that of guessing.

        max(ln(classes), mean loss of the images, penalties included)

    ln(classes) is the cross-entropy of equal probabilities with any labels, soft ones included. The
    loss of the images counts where kernels or pixels are large, or a penalty or other loss is used.
    With ``training`` it is that of a training step, and layers compute as in one: dropout
    multiplies what it keeps, and much of it in many layers makes the loss of an untrained model a
    thousand times larger. ``rate`` takes the base rate of a layer and returns that with which it
    drops. No variable of the model changes.
    """
    rates = {
        id(layer.rate): keras.ops.convert_to_tensor(rate(layer.base_rate), layer.rate.dtype)
        for layer in model._flatten_layers()
        if isinstance(layer, ScheduledDropout)
    }
    rest = [rates.get(id(one), one) for one in model.non_trainable_variables]
    logits, _ = model.stateless_call(model.trainable_variables, rest, images, training=training)
    loss = model.compute_loss(images, labels, logits, training=training)
    found = float(keras.ops.convert_to_numpy(loss))
    guessing = math.log(logits.shape[-1])
    return max(guessing, found) if math.isfinite(found) else guessing


def _most_dropout(plan: Plan, base: float) -> float:
    """Return the largest rate that dropout with a base rate has in a training."""
    adaptive = plan.adaptive_dropout
    if adaptive.enabled:
        return max(base, min(base * adaptive.highest, AdaptiveDropout.largest_rate))
    return base * float(np.max(plan.tables.get("dropout", 1.0), initial=1.0))
