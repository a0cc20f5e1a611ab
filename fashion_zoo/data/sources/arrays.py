"""Images and labels in memory, split by a seed."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.dataset import Dataset, Images, Positions, names_of
from fashion_zoo.data.pictures import as_array, read_array
from fashion_zoo.data.sources import WORDS
from fashion_zoo.errors import ConfigError, DataError
from fashion_zoo.language import checks
from fashion_zoo.language.wording import counted, unknown
from fashion_zoo.seeds import derive


@WORDS.register
def arrays(validation: float = 0.1, test: float = 0.2, seed: int = 0) -> Callable[..., Dataset]:
    """Arrays of your own, given in Python: ``fashion_zoo.train(NAME, data=(x, y))``."""
    for name, part in (("validation", validation), ("test", test)):
        checks.number(name, part, "a number above 0 and below 1", lambda value: 0 < value < 1)
    checks.whole("seed", seed, 0)
    return functools.partial(_dataset, fractions=(validation, test), seed=seed)


def _dataset(
    config: DataConfig,
    given: Sequence[Any] | None = None,
    class_names: Sequence[str] | None = None,
    *,
    fractions: tuple[float, float],
    seed: int,
) -> Dataset:
    """Make the data set of ``given`` arrays and ``class_names``; see ``fashion_zoo.data.load``.

    ``fractions`` of each class are held out for validation, and for the test unless it is given.
    """
    if given is None:  # a config does not hold the arrays
        raise ConfigError(
            "These images were arrays in memory, which cannot be read again. Give them in Python: "
            "data=(x, y) or data=(x, y, x_test, y_test)."
        )
    if len(given) == 2 and all(isinstance(part, tuple) and len(part) == 2 for part in given):
        given = [*given[0], *given[1]]  # as load_data() of Keras returns them
    if len(given) not in (2, 4):
        raise DataError(
            "Arrays are given as (x, y), (x, y, x_test, y_test) or ((x, y), (x_test, y_test)), "
            f"received {len(given)}."
        )
    names = _names(given[1], class_names)
    whole = tested = _part("x", given[0], "y", given[1], names)
    size = whole.images.shape[1:]
    if len(given) == 2:
        positions = _split(whole.labels, names, *fractions, seed)
    else:
        tested = _part("x_test", given[2], "y_test", given[3], names)
        if tested.images.shape[1:] != size:
            raise DataError(
                f"x has images of {size}, and x_test of {tested.images.shape[1:]}; they must be "
                "the same."
            )
        positions = _split(whole.labels, names, fractions[0], 0.0, seed)
        positions = positions._replace(test=np.arange(len(tested.labels)))
    parts = {"train": whole, "test": tested}
    return Dataset(config, names, size, positions, parts.__getitem__, in_memory=True)


def _names(y: Any, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is not None:
        return names_of(given)
    labels = as_array("y", y)
    if labels.dtype.kind == "U":
        return tuple(map(str, np.unique(labels)))
    highest = int(labels.max()) if labels.size and labels.dtype.kind in "ui" else 0
    if highest >= max(labels.size, 1):
        raise DataError(
            f"y has {counted(labels.size, 'label')} and the highest is {highest}: classes are "
            "numbered from 0, and each needs an image."
        )
    return tuple(map(str, range(highest + 1)))


def _part(pixels_name: str, pixels: Any, labels_name: str, labels: Any, names: Sequence[str]):
    images = _pixels(pixels_name, pixels)
    found = as_array(labels_name, labels)
    found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    if found.shape != images.shape[:1] or found.dtype.kind not in "uiU":
        raise DataError(
            f"{labels_name} must hold a whole number or a name for each of the "
            f"{counted(len(images), 'image')} of {pixels_name}, received {found.shape} of "
            f"{found.dtype}."
        )
    if found.dtype.kind == "U":
        if strange := set(found.tolist()) - set(names):
            raise DataError(unknown("class", min(strange), list(names)))
        place = {name: number for number, name in enumerate(names)}
        found = np.array([place[name] for name in found.tolist()])
    if found.min() < 0 or found.max() >= len(names):
        raise DataError(
            f"{labels_name} must be in 0..{len(names) - 1}, positions of the "
            f"{counted(len(names), 'class name')}, received {found.min()} to {found.max()}."
        )
    return Images(images, found.astype(np.uint8 if len(names) <= 256 else np.int32))


def _pixels(name: str, pixels: Any) -> np.ndarray:
    array = as_array(name, pixels)
    if array.ndim < 3 or not array.size or array.dtype.kind not in "uif":
        raise DataError(
            f"{name} must hold images, (n, height, width) numbers, received {array.shape} of "
            f"{array.dtype}."
        )
    if array.max() <= 1 or (array.dtype.kind == "f" and (array != np.floor(array)).any()):
        raise DataError(
            f"Pixels of {name} are whole numbers in 0..255, received up to {array.max():g}, or "
            "fractions. If they were divided by 255, multiply them by it, and round."
        )
    return read_array(array, array.shape[1:3]).astype(np.uint8, copy=False)


def _split(
    labels: np.ndarray, names: Sequence[str], validation: float, test: float, seed: int
) -> Positions:
    """Hold out of each class a fraction for the test and one for validation, at least one image."""
    parts: list[list[np.ndarray]] = [[], [], []]
    for label, name in enumerate(names):
        members = np.flatnonzero(labels == label)
        tested, chosen = (
            max(round(part * len(members)), 1) if part else 0 for part in (test, validation)
        )
        if len(members) <= tested + chosen:
            raise DataError(
                f"Class {name!r} has {counted(len(members), 'image')}, of which {tested} would be "
                f"held out for the test and {chosen} for validation: none is left to train on."
            )
        members = np.random.default_rng(derive(seed, "split", label)).permutation(members)
        held_out = tested + chosen
        for part, some in zip(
            parts, (members[held_out:], members[tested:held_out], members[:tested]), strict=True
        ):
            part.append(some)
    return Positions(*(np.sort(np.concatenate(part)) for part in parts))
