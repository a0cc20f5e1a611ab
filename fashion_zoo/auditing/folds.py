"""Probabilities of the classes by models that were trained on other images."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from fashion_zoo.auditing.collection import Collection
from fashion_zoo.callbacks import StopOnInterrupt
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset, Images, Positions, class_counts
from fashion_zoo.evaluation.predict import probabilities
from fashion_zoo.machine.devices import releasing
from fashion_zoo.registry import Recipe
from fashion_zoo.show import streams
from fashion_zoo.show.progress import Pace, TrainingDisplay
from fashion_zoo.training.fit import build_model, fit
from fashion_zoo.training.plan import plan

if TYPE_CHECKING:
    import keras

_STEPS = 20  # of an epoch at least, unless batches would be smaller than
_SMALLEST = 16
_STOPPING = "Stopping after this step; no audit is written. Press Ctrl-C again to leave at once."


def out_of_fold(
    entry: Recipe,
    config: RunConfig,
    dataset: Dataset,
    images: Collection,
    fold_of: np.ndarray,
    display: TrainingDisplay,
) -> np.ndarray:
    """Return (n, classes) float64 probabilities of all images of a collection.

    A model is trained for each fold, on the other folds. An image of a fold has the probabilities
    of the model that never saw it, any other image the mean of all models.

    Args:
        entry: the recipe.
        config: its config, for these images.
        dataset: what the collection was gathered from.
        images: the collection.
        fold_of: (m,) fold of each training and validation image, from 0.
        display: where the progress is shown.
    """
    known, others = np.flatnonzero(images.learned), np.flatnonzero(~images.learned)
    found, folds = np.zeros((len(images), len(images.class_names))), int(fold_of.max()) + 1
    origin, pace = dataclasses.replace(dataset.origin, exclude=None), Pace(folds, display.say)
    for number in range(folds):
        held_out = fold_of == number
        data = dataclasses.replace(
            dataset,
            origin=origin,
            positions=Positions(known[~held_out], known[held_out], others[:0]),
            read=lambda part: Images(images.images, images.labels),
        )
        with pace.training(f"{entry.name} without fold {number + 1}"), releasing():
            model = _trained(entry, config, data, display)
            found[known[held_out]] = probabilities(model, data.validation.images)
            if len(others):
                found[others] += probabilities(model, images.images[others]) / folds
    return found


def _trained(
    entry: Recipe, config: RunConfig, data: Dataset, display: TrainingDisplay
) -> "keras.Model":
    """Return a model of the recipe, trained on a data set; a small one has smaller batches."""
    most = 2 ** int(np.log2(max(data.count // _STEPS, 1)))
    batch = min(config.training.batch_size, max(most, _SMALLEST), data.count)
    config = override(config, {"training": {"batch_size": batch}})
    planned = plan(config, class_counts(data))
    model = build_model(entry, config.model, planned)
    say = display.say if display.enabled else streams.say  # Ctrl-C is always answered
    with StopOnInterrupt(_STOPPING, say) as stop:
        fit(model, planned, data, [stop], display)
        stop.check()  # it may have come in the last step
    return model
