"""All images of a source, in whichever part they are."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.data.split import first_equals, marks, read_positions

PARTS = ("train", "validation", "test", "left out")
TRAIN, VALIDATION, TEST, LEFT_OUT = range(4)


@dataclasses.dataclass(frozen=True, eq=False)
class Collection:
    """Images with their labels and places: first the training images of the source, then others.

    ``where`` is an index into all arrays of a collection.
    """

    images: np.ndarray
    """(n, height, width) grey or (n, height, width, 3) RGB, uint8 in 0..255."""
    labels: np.ndarray
    """(n,) integers, positions in the class names."""
    parts: np.ndarray
    """(n,) int8, positions in ``PARTS``."""
    positions: np.ndarray
    """(n,) int64, positions among the training or the test images of the source."""
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def learned(self) -> np.ndarray:
        """(n,) whether an image is trained on or validates."""
        return self.parts <= VALIDATION

    @functools.cached_property
    def tested(self) -> np.ndarray:
        """(n,) whether an image tests."""
        return self.parts == TEST

    @functools.cached_property
    def first_equals(self) -> np.ndarray:
        """(n,) int64, for each image the first with the same pixels."""
        return first_equals(marks(self.images))

    @functools.cached_property
    def blank(self) -> np.ndarray:
        """(n,) whether all pixels of an image are equal."""
        rows = self.images.reshape(len(self), -1)
        return rows.min(axis=1) == rows.max(axis=1)


def gather(dataset: Dataset) -> Collection:
    """Read all images of a data set but those that ``data.exclude`` names."""
    whole, test, known = dataset.read("train"), dataset.read("test"), dataset.positions
    own_test = test.images is not whole.images  # otherwise a part of the images was held out
    parts = np.full(len(whole.labels), LEFT_OUT, np.int8)
    parts[known.train], parts[known.validation] = TRAIN, VALIDATION
    if not own_test:
        parts[known.test] = TEST
    kept = np.full(len(parts), True)
    if dataset.origin.exclude is not None:
        kept[read_positions(Path(dataset.origin.exclude), len(parts))] = False
        kept |= parts == TEST
    each = [(whole.images, whole.labels, parts, np.arange(len(parts)), np.flatnonzero(kept))]
    if own_test:
        tested = np.full(len(test.labels), TEST, np.int8)
        each.append((test.images, test.labels, tested, np.arange(len(tested)), known.test))
    images, labels, in_part, positions = (
        np.concatenate([one[column][one[-1]] for one in each]) for column in range(4)
    )
    return Collection(images, labels, in_part, positions, dataset.class_names)
