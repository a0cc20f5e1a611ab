"""What a source has read as pixels and classes, and the conversions of colour, size and ground."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.dataset import Images, names_of
from fashion_zoo.data.pictures import as_array, fitted
from fashion_zoo.data.sources import Given
from fashion_zoo.errors import DataError
from fashion_zoo.language.wording import counted, unknown

_CHUNK = 2**24  # bytes of images that are converted together, to save memory


def names_in(given: Given, class_names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the class names: those given, or the labels in order.

    Raises:
        ConfigError: if the names given are no list of different texts.
        DataError: if a label is too large to be a position, or a name is no text to print.
    """
    labels = as_array(given.of_labels, given.labels)
    highest = int(labels.max()) if labels.size and labels.dtype.kind in "ui" else 0
    if class_names is not None:
        names = names_of(class_names)
    elif labels.dtype.kind == "U":
        names = tuple(map(str, np.unique(labels)))
    elif highest >= max(labels.size, 1):
        raise DataError(
            f"{given.of_labels} has {counted(labels.size, 'label')} and the highest is {highest}: "
            "classes are numbered from 0, and each needs an image."
        )
    else:
        names = tuple(map(str, range(highest + 1)))
    for name in names:
        if not name.strip() or not name.isprintable():
            raise DataError(f"{given.of_labels} has a class {name!r}, which is no name to print.")
    return names


def images_in(given: Given, names: Sequence[str]) -> Images:
    """Return images as (n, height, width) or (n, height, width, 3) uint8, with their classes.

    Raises:
        DataError: if they are no pixels in 0..255, or no label for each of them.
    """
    images = _pixels(given.of_images, given.images)
    found = as_array(given.of_labels, given.labels)
    found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    if found.shape != images.shape[:1] or found.dtype.kind not in "uiU":
        numbers = found.dtype.kind == "f" and found.ndim == 1
        whole = numbers and np.array_equal(found, np.floor(found))
        hint = " Convert them with .astype(int)." if whole else ""
        raise DataError(
            f"{given.of_labels} must hold a whole number or a name for each of the "
            f"{counted(len(images), 'image')} of {given.of_images}, received {found.shape} of "
            f"{found.dtype}.{hint}"
        )
    if found.dtype.kind == "U":
        known, found = np.unique(found, return_inverse=True)
        if strange := sorted(set(known.tolist()) - set(names)):
            raise DataError(f"{given.of_labels}: {unknown('class', strange[0], list(names))}")
        place = {name: number for number, name in enumerate(names)}
        found = np.array([place[name] for name in known.tolist()])[found]
    if found.min() < 0:
        raise DataError(
            f"{given.of_labels} has a negative label, {found.min()}. Classes are numbered from 0."
        )
    if found.max() >= len(names):
        raise DataError(
            f"{given.of_labels} must be in 0..{len(names) - 1}, positions of the "
            f"{counted(len(names), 'class name')}, received {found.min()} to {found.max()}."
        )
    return Images(images, found.astype(np.uint8 if len(names) <= 256 else np.int32))


def _pixels(name: str, value: Any) -> np.ndarray:
    array = as_array(name, value)
    flat = array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3))
    if not flat or not array.size or array.dtype.kind not in "uif":
        raise DataError(
            f"{name} must hold images, (n, height, width) or (n, height, width, 3) numbers, "
            f"received {array.shape} of {array.dtype}."
        )
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # NaN is neither
        raise DataError(
            f"Pixels of {name} are in 0..255, received values from {low:g} to {high:g}."
        )
    if high <= 1 or (array.dtype.kind == "f" and (array != np.floor(array)).any()):
        raise DataError(
            f"Pixels of {name} are whole numbers in 0..255, received up to {high:g}, or "
            "fractions. If they were divided by 255, multiply them by it, and round."
        )
    array = array[..., 0] if array.ndim == 4 and array.shape[3] == 1 else array
    return array.astype(np.uint8, copy=False)


def shape_of(shape: tuple[int, ...], config: DataConfig) -> tuple[int, ...]:
    """Return the shape of an image of this shape after the conversions of a config."""
    height, width = (config.size, config.size) if config.size else shape[:2]
    channels = {"as_is": shape[2:], "grey": (), "rgb": (3,)}[config.color]
    return (height, width, *channels)


def notes_of(shape: tuple[int, ...], config: DataConfig) -> tuple[str, ...]:
    """Return what the conversions change about images of this shape, for people."""
    (height, width, *channels), (new_height, new_width, *new) = shape, shape_of(shape, config)
    notes = [f"{'colour' if channels else 'grey'} to {'colour' if new else 'grey'}"]
    notes = notes if channels != new else []
    if (height, width) != (new_height, new_width):
        notes.append(f"{height}x{width} to {new_height}x{new_width}")
    return (*notes, *(["light and dark swapped"] if config.invert else []))


def convert(images: np.ndarray, config: DataConfig) -> np.ndarray:
    """Convert (n, height, width) or (n, height, width, 3) uint8 images to what a config asks."""
    shape = shape_of(images.shape[1:], config)
    if images.ndim == 4 and len(shape) == 2:
        step = max(_CHUNK // images[0].size, 1)
        parts = range(0, len(images), step)
        images = np.concatenate([grey(images[start : start + step]) for start in parts])
    elif images.ndim == 3 and len(shape) == 3:
        images = np.repeat(images[..., None], 3, axis=3)
    if images.shape[1:3] != shape[:2]:
        images = np.stack([fitted(image, shape[:2]) for image in images])
    return np.invert(images) if config.invert else images  # of uint8: 255 - images


def grey(images: np.ndarray) -> np.ndarray:
    """Return the grey of (..., 3) uint8 RGB pixels, as Pillow computes it (ITU-R 601-2)."""
    weights = np.array([19595, 38470, 7471], np.uint32)  # of 2**16
    return ((images @ weights + 0x8000) >> 16).astype(np.uint8)
