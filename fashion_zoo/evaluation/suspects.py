"""The accuracy on the test images without those that an audit suspects."""

from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.data.split import read_positions
from fashion_zoo.errors import DataError
from fashion_zoo.evaluation.metrics import measure
from fashion_zoo.storage import reading

AUDIT = "audit.json"
"""File of an audit, which has the digest of its test images."""
FAULTS = ("blank", "duplicates", "near_duplicates", "inverted", "label_errors")
"""Kinds of findings that are probably faults; an outlier may be a rare image."""
_ANY = 10**18  # positions have fewer digits


def read_suspects(place: Path, data: Dataset) -> np.ndarray:
    """Return which test images are suspected, (n,) booleans.

    ``place`` is a file of positions among the test images of the source, one per line, or the
    folder of an audit, of which all lists but that of the outliers count.

    Raises:
        DataError: if a file cannot be read, the audit is of other test images, or a position is not
            that of a test image.
    """
    if place.is_dir():
        _check_same(place, data)
    files = [place / f"test_{word}.txt" for word in FAULTS] if place.is_dir() else [place]
    found = np.concatenate([read_positions(file, _ANY) for file in files])
    tested = data.positions.test
    if len(strange := np.setdiff1d(found, tested)):
        raise DataError(
            f"{place} names image {strange[0]}, which is no test image of {data.origin.title}. "
            "Give a list of test images, such as test_label_errors.txt."
        )
    return np.isin(tested, found)


def _check_same(folder: Path, data: Dataset) -> None:
    try:
        known = reading.read_json(folder / AUDIT)
        digest, source = known["test_digest"], known["source"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} is not an audit: {AUDIT} cannot be read: {error}.") from error
    if digest != data.test_digest:
        raise DataError(
            f"{folder} is an audit of {source}, whose test images are others than those of "
            f"{data.origin.title} here. Give the audit of the images that are evaluated on."
        )


def without(
    suspected: np.ndarray, logits: np.ndarray, place: Path, data: Dataset
) -> dict[str, Any]:
    """Return the accuracy on the test images that are not suspected, with its interval.

    Raises:
        DataError: if all are suspected.
    """
    kept = ~suspected
    if not kept.any():
        raise DataError(f"{place} names all test images, so that none is left to evaluate on.")
    found = measure(logits[kept], data.test.labels[kept], data.class_names)
    return {
        "suspects": int(suspected.sum()),
        "from": str(place),
        "images": found["images"],
        "accuracy": found["accuracy"],
    }
