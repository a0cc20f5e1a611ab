"""What is found by looking at pixels alone: blank, equal, similar, inverted and far images."""

from typing import Any

import numpy as np

from fashion_zoo.auditing import neighbours
from fashion_zoo.auditing.collection import PARTS, Collection
from fashion_zoo.auditing.copies import Pair, near_duplicates
from fashion_zoo.auditing.facts import opposite
from fashion_zoo.auditing.findings import Finding

Findings = dict[str, list[Finding]]


def look(images: Collection, advance: neighbours.Advance = lambda done: None) -> Findings:
    """Return all findings but label errors. ``advance`` is called as images are compared."""
    different = np.flatnonzero(images.first_equals == np.arange(len(images)))
    different = different[~images.blank[different]]
    found = {"blank": _blank(images), "duplicates": _duplicates(images)}
    if len(different) < 2:
        return {**found, "near_duplicates": [], "inverted": [], "outliers": []}
    pixels = neighbours.comparable(images.images[different])
    described = neighbours.Descriptors(pixels)
    distances, places = neighbours.nearest(described.points, advance)
    pairs = near_duplicates(pixels, distances, places)
    return {
        **found,
        "near_duplicates": [_near(images, pair, different) for pair in pairs],
        "inverted": _inverted(images, different, pixels, described, distances),
        "outliers": _outliers(images, different, distances),
    }


def _blank(images: Collection) -> list[Finding]:
    found = []
    for one in np.flatnonzero(images.blank).tolist():
        value = images.images[one].flat[0].item()
        found.append(_single(one, f"all pixels are {value}", value=value))
    return found


def _single(where: int, text: str, **facts: Any) -> Finding:
    return Finding((where,), frozenset({where}), facts, text)


def _duplicates(images: Collection) -> list[Finding]:
    """Return groups of equal images, those with several labels first."""
    first = np.where(images.blank, np.arange(len(images)), images.first_equals)
    groups: dict[int, list[int]] = {}
    for one in np.flatnonzero(first != np.arange(len(images))).tolist():
        groups.setdefault(int(first[one]), [int(first[one])]).append(one)
    found = []
    for group in groups.values():
        out = frozenset().union(*(_later(images, group[0], one) for one in group[1:]))
        conflict = len(set(images.labels[group].tolist())) > 1
        text = f"equal: {', '.join(named(images, one) for one in group[:4])}"
        found.append(Finding(tuple(group), out, {"several_labels": conflict}, text))
    return sorted(found, key=lambda finding: not finding.facts["several_labels"])


def _later(images: Collection, first: int, second: int) -> frozenset[int]:
    """Return which of two images, of which one is too many, to leave out: the later one.

    Of a training and a test image both are listed: the one is not to be trained on, and the
    accuracy can be stated without the other.
    """
    tested = images.tested
    return frozenset({first, second} if tested[first] != tested[second] else {max(first, second)})


def named(images: Collection, where: int) -> str:
    """Return part, position and label of an image in words."""
    label = images.class_names[images.labels[where]]
    return f"{PARTS[images.parts[where]]} {images.positions[where]} ({label})"


def _near(images: Collection, pair: Pair, different: np.ndarray) -> Finding:
    first, second = (int(different[one]) for one in pair[:2])
    facts = {"difference": round(pair.difference, 4), "shift": list(pair.shift)}
    text = (
        f"{named(images, first)} and {named(images, second)} differ by {pair.difference:.3f}, "
        f"shifted by {pair.shift[0]}, {pair.shift[1]}"
    )
    return Finding((first, second), _later(images, first, second), facts, text)


def _inverted(
    images: Collection,
    different: np.ndarray,
    pixels: np.ndarray,
    described: neighbours.Descriptors,
    distances: np.ndarray,
) -> list[Finding]:
    """Return the images with an opposite ground whose inverse is nearer to others than they are.

    A picture that fills its frame may have a light border beside those on a dark ground.
    """
    from sklearn.metrics import pairwise_distances_argmin_min

    suspected = np.flatnonzero(opposite(images)[different])
    if not len(suspected):
        return []
    inverse = described(neighbours.spectra(255 - pixels[suspected]))
    _, nearest = pairwise_distances_argmin_min(inverse, described.points)
    swapped = suspected[nearest < distances[suspected, 0]]
    where = set(different[swapped].tolist())
    # A copy of an inverted image is one as well.
    copies = [one for one, first in enumerate(images.first_equals.tolist()) if first in where]
    return [_single(one, "light and dark are swapped") for one in copies]


def _outliers(images: Collection, different: np.ndarray, distances: np.ndarray) -> list[Finding]:
    """Return the images whose mean distance to their neighbours is far out, the farthest first."""
    scores = distances.mean(axis=1)
    far = np.flatnonzero(neighbours.far_out(scores))
    return [
        _single(
            int(different[one]),
            f"{scores[one]:.1f} grey levels from its neighbours",
            distance=round(float(scores[one]), 2),
        )
        for one in far[np.argsort(-scores[far], kind="stable")]
    ]
