"""Gradient checkpointing: the backward pass computes activations again instead of keeping them.

The n layers are cut into about sqrt(n) segments. The forward pass keeps the outputs of the
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
from typing import Any, NamedTuple

import keras

from fashion_zoo.errors import ConfigError, Hint

FEWEST = 4  # layers with kernels in a row, so that two segments have two of them each

Segment = list[keras.layers.Layer]


class Part(NamedTuple):
    """A segment with what it takes from earlier ones and gives to later ones."""

    layers: Segment
    again: bool
    """Whether it is computed again in the backward pass."""
    taken: tuple[int, ...]
    """The ids of the symbolic tensors that it takes, in order."""
    given: tuple[int, ...]
    """Likewise of those that it gives."""


def set_checkpointing(model: keras.Model, wanted: bool) -> None:
    """Let the training steps of a compiled model compute again what they need, or not.

    Raises:
        ConfigError: if the model has a layer that is used twice, several inputs or outputs, or too
            few layers without state in a row: batch statistics and random masks, computed twice,
            would not be the same.
    """
    vars(model).pop("call", None)  # of an earlier plan
    if wanted:
        parts = _parts(segments(model), model.outputs[0])
        model.call = functools.partial(_call, parts, model.call, model.inputs[0], model.outputs[0])


def segments(model: keras.Model) -> list[tuple[Segment, bool]]:
    """Return the layers of a model in order, in segments that are computed again or kept."""
    layers = model.layers[1:]
    if not _is_plain(model):
        raise ConfigError(
            "training.checkpointing needs a model with one input and one output that uses each of "
            f"its layers once, and {model.name} is another. Set ",
            Hint("training.checkpointing", False), ".",
        )  # fmt: skip
    runs = _runs(layers)
    longest = max((sum(map(_has_kernel, run)) for run, plain in runs if plain), default=0)
    if longest < FEWEST:
        raise ConfigError(
            f"training.checkpointing needs at least {FEWEST} layers with kernels in a row, without "
            f"batch normalization, dropout or another state between them, and {model.name} has "
            f"{longest}: it would save no memory. Set ", Hint("training.checkpointing", False), ".",
        )  # fmt: skip
    found: list[tuple[Segment, bool]] = []
    passing = _passing(layers, model.outputs[0])
    for run, stateless in runs:
        if stateless and sum(map(_has_kernel, run)) >= FEWEST:
            blocks = _blocks(run, passing)
            found += [(part, True) for part in _cut(blocks, round(math.sqrt(len(blocks))))]
        else:
            found.append((run, False))
    return [*found[:-1], (found[-1][0], False)]


def _is_plain(model: keras.Model) -> bool:
    """Whether the layers, in order, compute the output from the input, each used once."""
    known = {id(model.inputs[0])}
    for layer in model.layers[1:]:
        if not known.issuperset(_inputs(layer)):
            return False
        known.add(id(layer.output))
    return len(model.outputs) == 1 and id(model.outputs[0]) in known


def _inputs(layer: keras.layers.Layer) -> list[int]:
    """Return the ids of the symbolic tensors that a layer takes."""
    return [id(one) for one in keras.tree.flatten(layer.input)]


def _parts(found: Sequence[tuple[Segment, bool]], output: Any) -> list[Part]:
    """Return the segments with what each takes and gives."""
    parts: list[Part] = []
    later = {id(output)}
    for layers, again in reversed(found):
        own = [id(layer.output) for layer in layers]
        needed = dict.fromkeys(one for layer in layers for one in _inputs(layer))
        taken = tuple(one for one in needed if one not in own)
        parts.append(Part(layers, again, taken, tuple(one for one in own if one in later)))
        later |= {*taken}
    return parts[::-1]


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


def _blocks(run: Segment, passing: dict[str, int]) -> list[Segment]:
    """Cut a run between each two layers with kernels, late among where the fewest arrays pass."""
    kernels = [place for place, layer in enumerate(run) if _has_kernel(layer)]
    cuts = [
        min(range(second, first, -1), key=lambda place: passing[run[place - 1].name])
        for first, second in itertools.pairwise(kernels)
    ]
    return [run[start:end] for start, end in itertools.pairwise([0, *cuts, len(run)])]


def _passing(layers: Segment, output: Any) -> dict[str, int]:
    """Return how many outputs up to each layer are taken after it, by its name."""
    last = {one: place for place, layer in enumerate(layers) for one in _inputs(layer)}
    last[id(output)] = len(layers)
    ends = [last.get(id(layer.output), 0) for layer in layers]
    return {
        layer.name: sum(end > place for end in ends[: place + 1])
        for place, layer in enumerate(layers)
    }


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
    parts: Sequence[Part],
    usual: Callable[..., Any],
    source: Any,
    output: Any,
    inputs: Any,
    training: bool | None = None,
    mask: Any = None,
) -> Any:
    if not training:
        return usual(inputs, training=training, mask=mask)
    known = {id(source): keras.ops.convert_to_tensor(inputs, source.dtype)}
    for part in parts:
        compute = functools.partial(_through, part)
        compute = keras.remat(compute) if part.again else compute
        found = compute(*(known[one] for one in part.taken))
        known |= zip(part.given, found, strict=True)
    return known[id(output)]


def _through(part: Part, *values: Any) -> tuple[Any, ...]:
    """Return what a segment gives for what it takes."""
    known = dict(zip(part.taken, values, strict=True))
    for layer in part.layers:
        takes = "training" in inspect.signature(layer.call).parameters
        x = keras.tree.map_structure(lambda one: known[id(one)], layer.input)
        known[id(layer.output)] = layer(x, training=True) if takes else layer(x)
    return tuple(known[one] for one in part.given)
