"""A config and a data set that fit each other, checked before keras is loaded, which takes seconds.

A family of models without ``num_classes`` or ``input_shape`` is checked when it is built.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from fashion_zoo.augment.policies import check_size
from fashion_zoo.config import RunConfig
from fashion_zoo.data.batches import steps_per_epoch
from fashion_zoo.data.dataset import Dataset
from fashion_zoo.data.loading import load
from fashion_zoo.data.split import check_shape
from fashion_zoo.errors import ConfigError


def agreed(
    config: RunConfig,
    data: Dataset,
    defaults: Any = None,
    *,
    chosen: Collection[str] = (),
    batches: bool = True,
) -> RunConfig:
    """Return the config of a training on the data, whose classes and shape the model follows.

    Args:
        config: what to train with.
        data: what to train on. Files in a folder of the user's own are read here.
        defaults: the model config of the recipe. A number of classes or a shape that is its own
            gives way to that of the data; by default none does.
        chosen: fields of the model that were set on purpose and do not give way.
        batches: whether its batch size is what is trained with; a search has its own.

    Raises:
        ConfigError: the model has another input or other classes, a batch is larger than the
            training set, or augmentation moves further than an image.
        DataError: a file in a folder of the user's own is missing, damaged or not the published
            one.
    """
    if batches:
        steps_per_epoch(data.count, config.training.batch_size)
    model = config.model
    for name, value in (("num_classes", len(data.class_names)), ("input_shape", data.image_shape)):
        now = getattr(model, name, None)
        own = now is not None and now == getattr(defaults, name, None) and name not in chosen
        if own and np.prod(now) != np.prod(value):  # the same pixels may have another shape
            model = dataclasses.replace(model, **{name: value})
    _check(model, data)
    check_size(config.training.policy, data.image_shape)
    if data.origin.folder is not None:
        _ = data.train
    return dataclasses.replace(config, model=model, data=data.origin)


def load_for(
    config: RunConfig,
    data: Any,
    settings: Mapping[str, Any] | None,
    defaults: Any,
    overrides: Mapping[str, Any],
    *,
    batches: bool = True,
) -> tuple[RunConfig, Dataset]:
    """Return what a config is to be trained on, and the config of a model that follows it.

    Args:
        config: with ``overrides``, and with those settings of the data that ``data`` may be.
        data: as in ``load``.
        settings: of arrays.
        defaults: see ``agreed``.
        overrides: what was set on purpose.
        batches: see ``agreed``.

    Raises:
        ConfigError: as ``load`` and ``agreed``. DataError: likewise.
    """
    dataset = load(data, like=config.data, **settings or {})
    model = overrides.get("model")
    chosen = model if isinstance(model, Mapping) else ()
    return agreed(config, dataset, defaults, chosen=chosen, batches=batches), dataset


def _check(model: Any, data: Dataset) -> None:
    classes, known = getattr(model, "num_classes", None), len(data.class_names)
    if classes not in (None, known):
        raise ConfigError(f"model.num_classes is {classes}, but the data has {known} classes.")
    if (shape := getattr(model, "input_shape", None)) is not None:
        check_shape(shape, data.image_shape)
