"""A config and its data set, which fit each other: checked before keras is loaded, in seconds.

A family of models without ``num_classes`` or ``input_shape`` is checked when it is built.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from fashion_zoo.augment.policies import check_size
from fashion_zoo.config import RunConfig
from fashion_zoo.data.batches import steps_per_epoch
from fashion_zoo.data.dataset import Dataset
from fashion_zoo.data.loading import load
from fashion_zoo.data.split import check_shape
from fashion_zoo.errors import ConfigError


def load_for(
    config: RunConfig,
    defaults: Any,
    data: Any = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    batches: bool = True,
) -> tuple[RunConfig, Dataset]:
    """Return the config of a training, and the data set, whose classes and shape its model follows.

    Args:
        config: what to train with.
        defaults: the model config of the recipe. A number of classes or a shape that is its own
            gives way to that of the data.
        data: as in ``load``; by default what the config says. Files in a folder of the user's own
            are read here.
        settings: of arrays, as in ``load``.
        overrides: fields of the config that were set on purpose, whose model does not give way.
        batches: whether its batch size is what is trained with; a search has its own.

    Raises:
        ConfigError: as ``load``; or the model has another input or other classes, a batch is larger
            than the training set, or augmentation moves further than an image.
        DataError: as ``load``; or a file in a folder of the user's own is missing, damaged or not
            the published one.
    """
    dataset = load(data, like=config.data, **settings or {})
    if batches:
        steps_per_epoch(dataset.count, config.training.batch_size)
    check_size(config.training.policy, dataset.image_shape)
    given = (overrides or {}).get("model")
    fixed = given if isinstance(given, Mapping) else {}
    model = _following(config.model, dataset, defaults, fixed)
    if dataset.origin.folder is not None:
        _ = dataset.train
    return dataclasses.replace(config, model=model, data=dataset.origin), dataset


def _following(model: Any, data: Dataset, defaults: Any, fixed: Mapping[str, Any]) -> Any:
    classes, shape = len(data.class_names), data.image_shape
    for name, value in (("num_classes", classes), ("input_shape", shape)):
        now: Any = getattr(model, name, value)
        own = now == getattr(defaults, name, None) and name not in fixed
        if own and np.prod(now) != np.prod(value):  # the same pixels may have another shape
            model = dataclasses.replace(model, **{name: value})
    if (found := getattr(model, "num_classes", classes)) != classes:
        raise ConfigError(f"model.num_classes is {found}, but the data has {classes} classes.")
    check_shape(getattr(model, "input_shape", shape), shape)
    return model
