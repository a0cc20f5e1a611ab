"""The images of a run: load them again, and check that others are the same."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from fashion_zoo.data import Dataset, load
from fashion_zoo.errors import DataError, RunError

if TYPE_CHECKING:
    import keras

    from fashion_zoo.runs.run import Run


def check_fits(run: "Run", model: "keras.Model") -> None:
    """Check that a model fits image shape and classes of a run; raises RunError otherwise."""
    classes, shape = len(run.data.class_names), run.data.image_shape
    found, seen = model.output_shape[-1], model.input_shape[1:]
    if found != classes or math.prod(seen) != math.prod(shape):
        raise RunError(
            f"{run.model_file} is a model of {found} classes and images of {seen}, and config.json "
            f"is of {classes} and {shape}. One of the two files is not this run's."
        )


def dataset_of(run: "Run", given: Any = None) -> Dataset:
    """Return the data set that a run was trained on.

    Args:
        run: the run.
        given: the same again, as ``data.load`` takes it; needed if it was arrays.

    Raises:
        ConfigError: if it was arrays and is not given.
        DataError: if another one is given.
    """
    if given is None:
        return load(run.config.data)
    found = load(given, like=run.config.data)
    check_images(run, found)
    names = run.data.class_names
    return found if found.class_names == names else dataclasses.replace(found, class_names=names)


def check_images(run: "Run", found: Dataset) -> None:
    """Check that a data set is the one that a run was trained on; raises DataError otherwise."""
    if run.stored_data is None and found.origin == run.config.data:
        return  # an older run stored no more to compare
    known = run.stored_data or load(run.config.data).describe()
    now = found.describe()
    same_test = known.test_digest in (None, now.test_digest)
    if now.digest != known.digest or not same_test:
        raise DataError(
            f"{run.path} was trained on other images than these. Give the same again, with the "
            "same test images; its model can be measured on others: "
            "evaluate(run.load_model(), data=...)."
        )
