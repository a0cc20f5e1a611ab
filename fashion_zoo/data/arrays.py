"""Arrays of pixels, as a caller has them, to what a model takes."""

import contextlib
import inspect
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo.data.pictures import Picture, border, is_faint
from fashion_zoo.errors import DataError

_PACKAGE = str(Path(__file__).parent.parent)


def as_array(name: str, value: Any) -> np.ndarray:
    """Return what numpy makes of a value.

    Raises:
        DataError: it makes nothing of it, as of lists of different lengths.
    """
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be an array, or lists of the same length: {error}") from error


def read_pictures(pixels: Any, shape: tuple[int, ...], *, invert: bool = False) -> list[Picture]:
    """Read an array as ``read_array`` does, an entry an image.

    Args:
        pixels: see ``read_array``.
        shape: see ``read_array``.
        invert: whether to swap light and dark.

    Raises: as ``read_array``.
    """
    images = read_array(pixels, shape)
    images = 255 - images if invert else images
    notes = ("inverted",) if invert else ()
    return [Picture(image, notes, border(image) > 127, is_faint(image)) for image in images]


def read_array(pixels: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Check pixels and give them the shape of images.

    Args:
        pixels: one image or a batch, of shape (h, w), (h, w, 1) or (h * w,) an image; integers
            or floats in 0..255, 0 is black. An array, or what numpy makes one of.
        shape: (h, w).

    Returns:
        (n, h, w) uint8 of integers, float32 of floats. One image is a batch of one.

    Raises:
        DataError: it has another shape, is no array of numbers, or holds a value that is no pixel.

    Warns:
        UserWarning: no value is above 1, so the pixels may have been divided by 255.
    """
    array = as_array("An array of pixels", pixels)
    images = array.reshape(-1, *shape) if _holds_images(array.shape, shape) else None
    if images is None or array.dtype.kind not in "uif":
        raise DataError(
            f"An array of pixels has the shape {shape} or (n, {shape[0]}, {shape[1]}) and numbers "
            f"in 0..255, received {array.shape} of {array.dtype}."
        )
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 255):  # NaN is neither
        raise DataError(f"Pixels are in 0..255, received values from {low:g} to {high:g}.")
    if high <= 1:
        warnings.warn(
            f"The largest pixel is {high:g}: a model takes pixels in 0..255 as they are, so do not "
            "divide them by 255.",
            stacklevel=_outside(),
        )
    return images.astype("float32" if array.dtype.kind == "f" else "uint8", copy=False)


def _outside() -> int:
    """Return the ``stacklevel`` of a warning that names the first line outside this package."""
    level, frame = 0, inspect.currentframe()
    while frame and frame.f_code.co_filename.startswith((_PACKAGE, contextlib.__file__)):
        level, frame = level + 1, frame.f_back
    return level


def _holds_images(shape: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Whether this is the shape of one image, or of at least one in a batch."""
    shapes = (image, (*image, 1), (math.prod(image),))
    return shape in shapes or (shape[1:] in shapes and shape[0] > 0)
