"""What is counted: images of each part and class, values of pixels, the ground of the images."""

from typing import Any

import numpy as np

from fashion_zoo.auditing.collection import PARTS, Collection
from fashion_zoo.data.pictures import border

_CHUNK = 1000  # images whose values are counted together, to save memory
_FAR = 127  # grey levels between a dark and a light ground


def facts(images: Collection) -> dict[str, Any]:
    """Return counts, shape and values of the pixels, for JSON.

    Pixels are those of the training and validation images, and ``dead`` are (row, column) of those
    with one value in all of them. ``imbalance`` is the largest class over the smallest, among the
    images that are trained on or validate.
    """
    parts = {}
    for number, name in enumerate(PARTS):
        counts = _counts(images, images.parts == number)
        if counts.any():
            each = dict(zip(images.class_names, counts.tolist(), strict=True))
            parts[name] = {"images": int(counts.sum()), "classes": each}
    learned = images.images[images.learned]
    counts = _counts(images, images.learned)
    constant = learned.min(axis=0) == learned.max(axis=0)
    constant = constant.all(axis=2) if constant.ndim == 3 else constant
    return {
        "class_names": list(images.class_names),
        "image_shape": list(images.images.shape[1:]),
        "parts": parts,
        "imbalance": float(counts.max() / max(counts.min(), 1)),
        "pixels": {**_values(learned), "dead": np.argwhere(constant).tolist()},
    }


def _counts(images: Collection, chosen: np.ndarray) -> np.ndarray:
    return np.bincount(images.labels[chosen], minlength=len(images.class_names))


def _values(images: np.ndarray) -> dict[str, float]:
    """Return range, mean and standard deviation of all pixels, exactly."""
    chunks = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
    counts = sum(np.bincount(chunk.ravel(), minlength=256) for chunk in chunks)
    values, seen = np.arange(256), np.flatnonzero(counts)
    mean = float(np.average(values, weights=counts))
    deviation = float(np.average((values - mean) ** 2, weights=counts)) ** 0.5
    return {"low": int(seen[0]), "high": int(seen[-1]), "mean": mean, "deviation": deviation}


def opposite(images: Collection) -> np.ndarray:
    """Return which images have a ground opposite to that of most, (n,) booleans.

    The ground of an image is the median of its outermost pixels, that of most the median over the
    images that are trained on or validate. Blank images and photographs in colour have none.
    """
    if images.images.ndim == 4:
        return np.full(len(images), False)
    ground = np.array([border(image) for image in images.images])
    usual = np.median(ground[images.learned])
    return (np.abs(ground - usual) > _FAR) & ~images.blank
