"""A run at each epoch that is kept of it, as models."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np

from fashion_zoo.data import Dataset, class_counts
from fashion_zoo.errors import RunError
from fashion_zoo.layers import as_array
from fashion_zoo.registry import recipe
from fashion_zoo.runs import Run
from fashion_zoo.training.checkpoint import parse, restore_variables
from fashion_zoo.training.fit import build_model, compile_model
from fashion_zoo.training.plan import plan

UNTRAINED = "untrained"


class Moment(NamedTuple):
    """A model at one epoch of its training."""

    name: str
    model: keras.Model
    trained: bool = True


def moments(run: Run, dataset: Dataset) -> Iterator[Moment]:
    """Yield the untrained model of a run, its checkpoints, and its model if it is none of them.

    Up to the checkpoints all are one model, which changes from one to the next. Of an ensemble
    there is the model alone.

    Raises:
        RunError: if a checkpoint is of another model or of a newer version, or there is neither
            one that is whole nor a model.
    """
    if run.ensemble:
        yield Moment(run.model_file.name, run.load_model())
        return
    planned = plan(run.config, class_counts(dataset))
    model = build_model(recipe(run.recipe), run.config.model, planned)
    compile_model(model, planned)
    yield Moment(UNTRAINED, model, trained=False)
    last = None
    for epoch, data in run.each_checkpoint():
        with contextlib.suppress(ValueError):  # damaged
            restore_variables(model, parse(data))
            last = epoch
            yield Moment(f"epoch {epoch}", model)
    if not run.model_file.is_file():
        if last is None:
            raise RunError(f"Run {run.path} has no checkpoint and no model.keras to inspect.")
        return
    final = run.load_model()
    if last is None or not _same(model, final):
        yield Moment(run.model_file.name, final)


def _same(model: keras.Model, other: keras.Model) -> bool:
    """Return whether two models have the same trainable weights, as a model file has them."""
    weights = [list(_trainable(one)) for one in (model, other)]
    same = len(weights[0]) == len(weights[1])
    return same and all(map(np.array_equal, *weights))


def _trainable(model: keras.Model) -> Iterator[np.ndarray]:
    for layer in model.layers:
        folded = layer.folded() if hasattr(layer, "folded") else {}
        for one in layer.trainable_variables:
            yield as_array(folded.get(one.name, one))
