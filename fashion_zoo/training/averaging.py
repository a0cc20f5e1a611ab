"""The averaging of a plan, as a callback of its training."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np

from fashion_zoo.averaging import NONE
from fashion_zoo.callbacks import AverageWeights
from fashion_zoo.data.pipeline import Pipeline
from fashion_zoo.training.plan import Plan

IMAGES = 10_000  # for the statistics of batch normalization: their error is 1 % of a deviation


def averaging_callbacks(
    model: keras.Model,
    plan: Plan,
    pipeline: Pipeline,
    validation: tuple[np.ndarray, np.ndarray],
    batch_size: int,
) -> list[keras.callbacks.Callback]:
    """Return the callback that averages weights, if the plan does.

    It takes the images of its statistics from the pipeline, augmented as in training, and measures
    as ``fit`` does: on ``validation``, in batches of ``batch_size``.
    """
    if plan.averaging == NONE:
        return []

    def batches(epoch: int) -> Iterator[Any]:
        return statistics_batches(pipeline, plan, epoch)

    def score() -> dict[str, float]:
        return model.evaluate(*validation, batch_size=batch_size, verbose=0, return_dict=True)

    stopping = plan.early_stopping
    best = stopping.monitor != "none"
    return [
        AverageWeights(plan.averaging, batches, score, monitor=stopping.decisive, keeps_best=best)
    ]


def statistics_batches(pipeline: Pipeline, plan: Plan, epoch: int) -> Iterator[Any]:
    """Yield the images of the first training batches of an epoch, about 10,000 in all."""
    pipeline.start_epoch(epoch)  # fit starts its next epoch anew
    for images, _ in islice(_each(pipeline.batches), -(-IMAGES // plan.batch_size)):
        yield images


def _each(batches: Any) -> Iterator[Any]:
    """Iterate over a dataset of TensorFlow or of Keras once."""
    if isinstance(batches, keras.utils.PyDataset):
        return (batches[step] for step in range(len(batches)))
    return iter(batches)
