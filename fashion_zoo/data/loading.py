"""Make a data set of a word, settings or arrays, and fit a config to it.

Both are checked before Keras is loaded. A family of models without ``num_classes`` or
``input_shape`` is checked when it is built.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fashion_zoo.augment.policies import check_size
from fashion_zoo.config import DataConfig, RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import assembly
from fashion_zoo.data.batches import check_shape, steps_per_epoch
from fashion_zoo.data.dataset import Dataset, names_of
from fashion_zoo.data.sources import WORDS, Raw
from fashion_zoo.data.sources.arrays import read_given
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import plain, received


def load(
    data: Any = None,
    *,
    like: DataConfig | None = None,
    class_names: Sequence[str] | None = None,
    **settings: Any,
) -> Dataset:
    """Return a data set. Fashion-MNIST is read when images are first asked for, others at once.

    Args:
        data: a source: a word such as ``"digits"``, ``"tfds:mnist"``, or the path of a file or a
            folder; by default Fashion-MNIST. Or a dictionary of the fields of a DataConfig, or a
            whole one. Or arrays, ``(x, y)``, ``(x, y, x_test, y_test)`` or ``((x, y), (x_test,
            y_test))``: (n, height, width) or (n, height, width, 3) whole numbers in 0..255, and
            (n,) classes. Or a Dataset, which is returned.
        like: the config to change.
        class_names: name of each class; by default those of the source, or found in ``y``.
        **settings: fields of DataConfig, such as ``limit=1000``; of a Dataset, ``limit`` and
            ``long_tail`` only. ``validation`` and ``test`` are the shares of each class that are
            held out, and ``seed`` their key.

    Raises:
        ConfigError: if a source or setting is unknown, a setting has no effect on the source, or
            there are too few images for a limit.
        DataError: if something cannot be read, there are no images or no labels of them, or a
            class has too few.

    Example:
        ```python
        data = fashion_zoo.data.load()
        model.fit(*data.train, validation_data=data.validation)
        ```
    """
    if isinstance(data, Dataset):
        return _changed(data, class_names, settings)
    settings = {name: plain(value) for name, value in settings.items()}
    if isinstance(data, tuple | list):
        if "source" in settings:
            raise ConfigError("data are arrays, and source names others. Leave out one of the two.")
        like = like if like is not None and like.in_memory else DataConfig("arrays")
        assembly.check_names(settings, WORDS.parse(like.source))
        config = override(like, settings, "arrays")
        assembly.check_settings(config, WORDS.parse(config.source))
        return assembly.assemble(config, read_given(data, class_names))
    data = {"source": os.fspath(data)} if isinstance(data, str | os.PathLike) else data
    if data is None or isinstance(data, Mapping):
        data = override(like or DataConfig(), data or {}, "data")
    if not isinstance(data, DataConfig):
        raise ConfigError(
            "A data set is the word of one, a path, settings, arrays (x, y) or (x, y, x_test, "
            f"y_test), or a Dataset, received {received(data)}."
        )
    return _changed(_read(override(data, settings, "data")), class_names, {})


def _read(config: DataConfig) -> Dataset:
    """Return the data set of a config."""
    source = WORDS.parse(config.source)
    assembly.check_settings(config, source)
    found = source.read(config)
    if isinstance(found, Raw):
        return assembly.assemble(config, found)
    return assembly.adapt(found)


def _changed(data: Dataset, class_names: Any, settings: Mapping[str, Any]) -> Dataset:
    """Return a data set with another limit, long tail or other class names."""
    if strange := settings.keys() - {"limit", "long_tail"}:
        raise ConfigError(
            "Of a Dataset, limit, long_tail and class_names can be set, received "
            f"{min(strange)}. Set it where the Dataset is made."
        )
    names = data.class_names if class_names is None else names_of(class_names)
    if len(names) != len(data.class_names):
        raise ConfigError(
            f"class_names must be {len(data.class_names)}, one of each class of the Dataset, "
            f"received {len(names)}."
        )
    origin = override(data.origin, settings)
    removed = data.origin.long_tail is not None and origin.long_tail is None
    if removed and "seed" not in WORDS.parse(origin.source).takes:
        origin = override(origin, {"seed": DataConfig().seed})  # it was of the tail alone
    if (origin, names) == (data.origin, data.class_names):
        return data  # with the images that it has read
    return dataclasses.replace(data, origin=origin, class_names=names)


def load_for(
    config: RunConfig,
    defaults: Any,
    data: Any = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    batches: bool = True,
) -> tuple[RunConfig, Dataset]:
    """Return the config of a training, with the classes and shape of its data, and the data set.

    ``data`` and ``settings`` are those of ``load``, by default the data of the config. Classes and
    shape of the recipe's ``defaults`` are replaced, unless ``overrides`` set them. ``batches`` is
    whether the batch size of the config is used; a search has its own. Files in a folder of the
    user's own are read here.

    Raises:
        ConfigError: as ``load``; or if the model has another input or other classes, a batch is
            larger than the training set, or augmentation moves further than an image.
        DataError: as ``load``.
    """
    dataset = load(data, like=config.data, **settings or {})
    if batches:
        training = config.training
        steps_per_epoch(dataset.count, training.batch_size, training.accumulation)
    check_size(config.training.policy, dataset.image_shape)
    given = (overrides or {}).get("model")
    fixed = given if isinstance(given, Mapping) else {}
    model = _fitted(config.model, dataset, defaults, fixed)
    if dataset.origin.folder is not None:  # of the user's own, whose files may be damaged
        _ = dataset.train
    return dataclasses.replace(config, model=model, data=dataset.origin), dataset


def _fitted(model: Any, data: Dataset, defaults: Any, fixed: Mapping[str, Any]) -> Any:
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
