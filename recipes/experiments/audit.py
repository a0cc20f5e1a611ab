"""Faults that are planted in Fashion-MNIST, and what an audit finds of them."""

import functools
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from fashion_zoo.auditing import Audit, audit
from fashion_zoo.data import Dataset, Images
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Experiment, Measured, Quick, columns
from fashion_zoo.seeds import derive
from recipes.experiments._training import other_labels

FLIPPED, COPIES, SHIFTED, INVERTED, BLANK = 600, 50, 20, 10, 5  # 600 are 1 % of the labels
LARGEST_SHIFT = 3  # pixels


class Planted(NamedTuple):
    """A data set with faults among its training and validation images, and where they are."""

    dataset: Dataset
    flipped: np.ndarray
    """(600,) positions of images with another label, drawn uniformly."""
    copies: np.ndarray
    """(50, 2) positions of images, and of those that they were replaced by."""
    shifted: np.ndarray
    """(20, 2) the same, shifted by up to three pixels in each direction."""
    inverted: np.ndarray
    """(10,) positions."""
    blank: np.ndarray
    """(5,) positions."""


def plant(dataset: Dataset, seed: int) -> Planted:
    """Return a data set with faults, all in different images."""
    generator = np.random.default_rng(derive(seed, "faults"))
    whole = dataset.read("train")
    images, labels = whole.images.copy(), whole.labels.copy()
    sizes = (FLIPPED, 2 * COPIES, 2 * SHIFTED, INVERTED, BLANK)
    drawn = generator.choice(len(labels), sum(sizes), replace=False)
    flipped, copies, shifted, inverted, blank = np.split(drawn, np.cumsum(sizes)[:-1])
    classes = len(dataset.class_names)
    labels[flipped] = other_labels(labels[flipped], classes, generator)
    pairs, moved = copies.reshape(-1, 2), shifted.reshape(-1, 2)
    for copy, original in [*pairs, *moved]:
        images[copy], labels[copy] = images[original], labels[original]
    for copy, _ in moved:
        images[copy] = shift(images[copy], *_shift(generator))
    images[inverted] = 255 - images[inverted]
    images[blank] = generator.integers(0, 256, (BLANK, 1, 1))
    changed = Images(images, labels)

    def read(part: Any) -> Images:
        return changed if part == "train" else dataset.read(part)

    planted = Dataset(
        dataset.origin, dataset.class_names, dataset.image_shape, dataset.positions, read
    )
    return Planted(planted, flipped, pairs, moved, inverted, blank)


def _shift(generator: np.random.Generator) -> tuple[int, int]:
    while True:
        down, right = generator.integers(-LARGEST_SHIFT, LARGEST_SHIFT + 1, 2).tolist()
        if down or right:
            return down, right


def shift(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return a (height, width) image that is moved by some pixels, and black where it was."""
    height, width = image.shape
    moved = np.zeros_like(image)
    moved[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = image[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved


@functools.lru_cache(maxsize=1)
def audited(seed: int, dataset: Dataset) -> tuple[Planted, Audit, float]:
    """Return the faults, what the audit found, and its seconds; once for all rows of a seed."""
    planted, began = plant(dataset, seed), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = audit(planted.dataset, to=f"{folder}/audit", seed=seed, progress=False)
    return planted, found, time.perf_counter() - began


def _positions(found: Audit, word: str) -> set[int]:
    return set(found["lists"][word]["train"])


def _pairs(found: Audit, word: str) -> set[frozenset[int]]:
    """Return the pairs of training or validation images in each finding of a kind."""
    pairs = set()
    for one in found["found"][word]:
        members = [image["position"] for image in one["images"] if image["part"] != "test"]
        pairs |= {frozenset({a, b}) for a in members for b in members if a < b}
    return pairs


def _single(word: str, field: str) -> Callable[[Planted, Audit], tuple[int, int]]:
    def count(planted: Planted, found: Audit) -> tuple[int, int]:
        wanted = set(getattr(planted, field).tolist())
        return len(wanted), len(wanted & _positions(found, word))

    return count


def _paired(word: str, field: str) -> Callable[[Planted, Audit], tuple[int, int]]:
    def count(planted: Planted, found: Audit) -> tuple[int, int]:
        wanted = {frozenset(pair) for pair in getattr(planted, field).tolist()}
        return len(wanted), len(wanted & _pairs(found, word))

    return count


FAULTS: Mapping[str, tuple[str, Callable[[Planted, Audit], tuple[int, int]]]] = {
    "labels flipped to another class": ("label_errors", _single("label_errors", "flipped")),
    "exact copies": ("duplicates", _paired("duplicates", "copies")),
    "copies shifted by 1 to 3 pixels": ("near_duplicates", _paired("near_duplicates", "shifted")),
    "inverted images": ("inverted", _single("inverted", "inverted")),
    "blank images": ("blank", _single("blank", "blank")),
}


def measure(fault: str, seed: int, dataset: Dataset) -> dict[str, Any]:
    """Return how many of the planted faults of a kind the audit of a seed lists."""
    planted, found, seconds = audited(seed, dataset)
    word, count = FAULTS[fault]
    there, listed = count(planted, found)
    return {
        "planted": there,
        "recall": listed / there,
        "listed": len(_positions(found, word)),
        "precision": listed / max(len(_positions(found, word)), 1),
        "seconds": round(seconds, 1),
    }


def precision(measured: Measured, arm: str) -> str | None:
    """Return the mean precision; of other kinds than labels, what Fashion-MNIST has counts too."""
    return columns.percent(measured.values(arm, "precision")) if "labels" in arm else None


EXPERIMENT = Experiment(
    name="audit",
    question="How many faults that are planted in Fashion-MNIST does an audit find?",
    arms=[Arm(fault, program=functools.partial(measure, fault)) for fault in FAULTS],
    columns=[
        columns.name("fault", code=lambda arm: False),
        columns.number("planted", "planted", ".0f"),
        columns.accuracy("recall", "recall"),
        columns.number("listed", "listed", ".0f"),
        columns.Column("precision", precision),
        columns.value("seconds of the audit", "seconds", ".0f", POSITIVE, right=True),
    ],
    note="Faults are planted among the 60,000 training and validation images, new ones per seed. "
    "Listed are planted faults and those that Fashion-MNIST has anyway; they count against the "
    "precision as well. Mean over {seeds} with {interval}. {machine} `{command}` reproduces the "
    "table.",
    seeds=3,
    quick=Quick({}),  # an audit is of all images
    page="docs/audit_of_fashion_mnist.md",
    mark="planted",
)
