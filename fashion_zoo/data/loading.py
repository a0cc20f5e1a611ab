"""From what names a data set, or is one, to its value."""

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from fashion_zoo.config import DataConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data.dataset import Dataset, names_of
from fashion_zoo.data.sources import WORDS
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import plain, received
from fashion_zoo.language.wording import unknown


def load(
    data: Any = None,
    *,
    like: DataConfig | None = None,
    class_names: Sequence[str] | None = None,
    **settings: Any,
) -> Dataset:
    """Return a data set. Files are read, and verified, when images are first asked for.

    Args:
        data: the word of a data set, a dictionary of the fields of a DataConfig, or a whole one; by
            default Fashion-MNIST. Or arrays, ``(x, y)``, ``(x, y, x_test, y_test)`` or ``((x, y),
            (x_test, y_test))``: (n, height, width) numbers in 0..255, and (n,) classes. Or a
            Dataset, which is returned.
        like: the config to change; without settings, arrays are split as it says.
        class_names: name of each class of arrays or of a Dataset; by default what stands in ``y``.
        **settings: fields of DataConfig, such as ``limit=1000``, the only one of a Dataset; of
            arrays ``limit``, ``validation`` and ``test``, the fractions that are held out of each
            class, and ``seed``, their key.

    Raises:
        ConfigError: an unknown word or setting, or a limit that there are no images for.
        DataError: the arrays are no images or no labels of them, or a class has too few.

    Example:
        ```python
        data = fashion_zoo.data.load()
        model.fit(*data.train, validation_data=data.validation)
        ```
    """
    if isinstance(data, Dataset):
        return _changed(data, class_names, settings)
    if isinstance(data, tuple | list):
        config = _split_as(like, settings)
        arrays: Any = WORDS.parse(config.dataset)
        return arrays.dataset(config, data, class_names)
    if class_names is not None:
        raise ConfigError("class_names are set where arrays are given, data=(x, y).")
    data = {"dataset": data} if isinstance(data, str) else data
    if data is None or isinstance(data, Mapping):
        data = override(like or DataConfig(), data or {})
    if not isinstance(data, DataConfig):
        raise ConfigError(
            "A data set is the word of one, settings, arrays (x, y) or (x, y, x_test, y_test), or "
            f"a Dataset, received {received(data)}."
        )
    data = override(data, settings)
    return WORDS.parse(data.dataset)(data)


def settings_of(data: Any) -> dict[str, Any]:
    """Return the change of a RunConfig that ``data`` is; none where it holds images."""
    return {"data": data} if isinstance(data, Mapping | DataConfig) else {}


def _changed(data: Dataset, class_names: Any, settings: Mapping[str, Any]) -> Dataset:
    """Return a data set with another limit and other names; all else is what its images are."""
    if strange := settings.keys() - {"limit"}:
        raise ConfigError(
            f"Of a Dataset, limit and class_names can be set, received {min(strange)}. Set it "
            "where the Dataset is made."
        )
    names = data.class_names if class_names is None else names_of(class_names)
    if len(names) != len(data.class_names):
        raise ConfigError(
            f"class_names must be {len(data.class_names)}, one of each class of the Dataset, "
            f"received {len(names)}."
        )
    origin = override(data.origin, settings)
    if (origin, names) == (data.origin, data.class_names):
        return data  # with what it has read
    return dataclasses.replace(data, origin=origin, class_names=names)


def _split_as(like: DataConfig | None, settings: Mapping[str, Any]) -> DataConfig:
    """Return the config of arrays: the settings, or where there are none what is known of them."""
    if not settings and like is not None and like.dataset.startswith("arrays"):
        return like
    known = ("class_names", "limit", *inspect.signature(WORDS["arrays"]).parameters)
    if strange := sorted(settings.keys() - set(known)):
        raise ConfigError(unknown("setting of arrays", strange[0], known))
    split = [f"{name}={plain(value)!r}" for name, value in settings.items() if name != "limit"]
    return DataConfig(
        f"arrays({', '.join(split)})" if split else "arrays", None, settings.get("limit")
    )
