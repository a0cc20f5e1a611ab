"""Gradients of a model as it is, on any backend, which change nothing in it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from fashion_zoo.errors import ConfigError


def gradients(loss: Callable[[list[Any]], Any], values: Sequence[Any]) -> list[Any]:
    """Return the gradient of a function of a list of tensors by each of them, zeros without one.

    Raises:
        ConfigError: with another backend than tensorflow, jax and torch.
    """
    given = list(values)
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(given)
                result = loss(given)
            return tape.gradient(result, given, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        case "jax":
            import jax

            return jax.grad(loss)(given)
        case "torch":
            import torch

            leaves = [one.detach().clone().requires_grad_() for one in given]
            found = torch.autograd.grad(loss(leaves), leaves, allow_unused=True)
            return [
                torch.zeros_like(leaf) if one is None else one
                for leaf, one in zip(leaves, found, strict=True)
            ]
    raise ConfigError(
        "Gradients are taken with tensorflow, jax or torch, and the backend is "
        f"{keras.backend.backend()}. Set KERAS_BACKEND to one of these."
    )


def of_training(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> list[Any]:
    """Return the gradient of the training loss by each trainable variable, for one batch.

    It is computed as a training step does, with dropout and the statistics of the batch, neither of
    which changes the state of the model.
    """

    def loss(values: list[Any]) -> Any:
        outputs, _, penalties = model.stateless_call(
            values, rest, images, training=True, return_losses=True
        )
        return model.compute_loss(images, labels, outputs, training=True) + sum(penalties)

    # Copies: compute_loss adds the penalties again, of the variables, which are then constants.
    rest = [keras.ops.copy(one.value) for one in model.non_trainable_variables]
    return gradients(loss, [keras.ops.copy(one.value) for one in model.trainable_variables])
