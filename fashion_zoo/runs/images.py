"""The images of a run: what it stores of them, and how they are found again."""

import dataclasses
import math
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo.data import Dataset, Description, load
from fashion_zoo.errors import DataError, RunError
from fashion_zoo.runs.results import check_shape

if TYPE_CHECKING:
    import keras

    from fashion_zoo.runs.run import Run


def parse_description(file: Path, stored: Mapping[str, Any]) -> Description | None:
    """Return what ``config.json`` holds of the images, None where an older version wrote it.

    Raises:
        RunError: it is damaged.
    """
    found = stored.get("data")
    if found is None:
        return None
    hints = typing.get_type_hints(Description)
    shape: dict[str, Any] = {}
    for name, hint in hints.items():
        inside = typing.get_args(hint)
        if type(None) in inside:
            shape[f"{name}?"] = inside[0]
        else:
            shape[name] = [inside[0]] if inside else hint
    check_shape(file, found, shape, "data")
    values: dict[str, Any] = {name: found.get(name) for name in hints}
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Description(**values | lists)


def check_fits(run: "Run", model: "keras.Model") -> None:
    """Check that a model sees the images of a run, and tells their classes apart.

    Raises:
        RunError: it does not; somebody has changed one of the two files.
    """
    classes, shape = len(run.data.class_names), run.data.image_shape
    found, seen = model.output_shape[-1], model.input_shape[1:]
    if found != classes or math.prod(seen) != math.prod(shape):
        raise RunError(
            f"{run.model_file} is a model of {found} classes and images of {seen}, and config.json "
            f"is of {classes} and {shape}. One of the two files is not this run's."
        )


def dataset_of(run: "Run", given: Any = None) -> Dataset:
    """Return the images that a run was trained on, with its test images.

    Args:
        run: the run.
        given: the same again, as ``data.load`` takes them; needed where they were arrays.

    Raises:
        ConfigError: they were arrays, and are not given.
        DataError: others are given.
    """
    if given is None:
        return load(run.config.data)
    found = load(given, like=run.config.data)
    check_images(run, found)
    names = run.data.class_names
    return found if found.class_names == names else dataclasses.replace(found, class_names=names)


def check_images(run: "Run", found: Dataset) -> None:
    """Check that images are those that a run was trained on.

    Raises:
        DataError: they are others.
    """
    if run.stored_data is None and found.origin == run.config.data:
        return  # an older run says no more, and nothing need be read to compare it with itself
    known = run.stored_data or load(run.config.data).describe()
    now = found.describe()
    same_test = known.test_digest in (None, now.test_digest)
    if now.digest != known.digest or not same_test:
        raise DataError(
            f"{run.path} was trained on other images than these. Give the same again, with the "
            "same test images; its model can be measured on others: "
            "evaluate(run.load_model(), data=...)."
        )
