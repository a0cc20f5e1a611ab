"""Gradient checkpointing: the backward pass computes activations again instead of keeping them.

A chain of n layers is cut into about sqrt(n) segments. The forward pass keeps the outputs of the
segments, and the backward pass computes one segment again at a time: about 2 sqrt(n) outputs are in
memory at once instead of n, for at most one more forward pass (Chen et al. 2016, arXiv:1604.06174,
section 4.1). The last segment is kept, because the backward pass begins with it.

The model stays as it was, with its layers, variables and files: only its call in training differs.
"""

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras

from fashion_zoo.errors import ConfigError, Hint

FEWEST = 4  # layers with kernels in a row, so that two segments have two of them each

Segment = list[keras.layers.Layer]


def set_checkpointing(model: keras.Model, wanted: bool) -> None:
    """Let the training steps of a compiled model compute again what they need, or not.

    Raises:
        ConfigError: if the model is not a chain of layers, or has too few layers without state in a
            row: batch statistics and random masks, computed twice, would not be the same.
    """
    vars(model).pop("call", None)  # of an earlier plan
    if wanted:
        chain = segments(model)
        model.call = functools.partial(_call, chain, model.call, model.inputs[0].dtype)


def segments(model: keras.Model) -> list[tuple[Segment, bool]]:
    """Return the layers of a model in order, in segments that are computed again or kept."""
    layers = model.layers[1:]
    if not _is_chain(model.layers):
        raise ConfigError(
            f"training.checkpointing needs a model that is a chain of layers, and {model.name} is "
            "not. Set ", Hint("training.checkpointing", False), ".",
        )  # fmt: skip
    runs = _runs(layers)
    longest = max(sum(map(_has_kernel, run)) for run, stateless in runs if stateless)
    if longest < FEWEST:
        raise ConfigError(
            f"training.checkpointing needs at least {FEWEST} layers in a row without batch "
            f"normalization, dropout or another state, and {model.name} has {longest}: it would "
            "save no memory. Set ", Hint("training.checkpointing", False), ".",
        )  # fmt: skip
    found: list[tuple[Segment, bool]] = []
    for run, stateless in runs:
        if stateless and sum(map(_has_kernel, run)) >= FEWEST:
            blocks = _blocks(run)
            found += [(part, True) for part in _cut(blocks, round(math.sqrt(len(blocks))))]
        else:
            found.append((run, False))
    return [*found[:-1], (found[-1][0], False)]


def _is_chain(layers: Sequence[keras.layers.Layer]) -> bool:
    try:
        return all(after.input is before.output for before, after in itertools.pairwise(layers))
    except (AttributeError, ValueError):  # a layer that is used twice has several outputs
        return False


def _runs(layers: Segment) -> list[tuple[Segment, bool]]:
    """Return the longest runs of layers with and without state."""
    found: list[tuple[Segment, bool]] = []
    for layer in layers:
        stateless = not layer.non_trainable_variables and layer.activity_regularizer is None
        if found and found[-1][1] == stateless:
            found[-1][0].append(layer)
        else:
            found.append(([layer], stateless))
    return found


def _blocks(run: Segment) -> list[Segment]:
    """Cut a run before each layer with a kernel but the first."""
    found: list[Segment] = [[]]
    for layer in run:
        if _has_kernel(layer) and any(map(_has_kernel, found[-1])):
            found.append([])
        found[-1].append(layer)
    return found


def _has_kernel(layer: keras.layers.Layer) -> bool:
    return any(len(weight.shape) > 1 for weight in layer.weights)


def _cut(blocks: Sequence[Segment], count: int) -> list[Segment]:
    """Return the blocks in so many segments whose numbers of blocks differ by at most 1."""
    ends = [round(number * len(blocks) / count) for number in range(count + 1)]
    return [
        [layer for block in blocks[start:end] for layer in block]
        for start, end in itertools.pairwise(ends)
    ]


def _call(
    chain: Sequence[tuple[Segment, bool]],
    usual: Callable[..., Any],
    dtype: str,
    inputs: Any,
    training: bool | None = None,
    mask: Any = None,
) -> Any:
    if not training:
        return usual(inputs, training=training, mask=mask)
    x = keras.ops.convert_to_tensor(inputs, dtype)
    for layers, again in chain:
        compute = functools.partial(_through, layers)
        x = keras.remat(compute)(x) if again else compute(x)
    return x


def _through(layers: Segment, x: Any) -> Any:
    for layer in layers:
        takes = "training" in inspect.signature(layer.call).parameters
        x = layer(x, training=True) if takes else layer(x)
    return x
