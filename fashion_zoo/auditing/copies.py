"""Near duplicates: pairs of images that differ little where they overlap."""

import itertools
from typing import NamedTuple

import numpy as np

from fashion_zoo.data.conversion import grey

REACH = 3  # pixels that a copy may be shifted by; an eighth of a small image
LIMIT = 0.05  # of the contrast; docs/commands/audit.md says how it was chosen
_LOOSE = 1.5  # times the limit: a shift cuts parts off, which changes a descriptor a little more
_CHUNK = 1000  # pairs or images that are compared together, to save memory
_EXACT = 52  # bits of a whole number that float64 holds, and with it BLAS


class Pair(NamedTuple):
    """Two images that look the same."""

    first: int
    second: int
    difference: float
    """Root mean square difference where they overlap, over the mean contrast of both."""
    shift: tuple[int, int]
    """(down, right): pixels by which the second is moved against the first."""


def reach_of(shape: tuple[int, ...]) -> int:
    """Return the pixels that a copy of an image of this shape may be shifted by."""
    return min(REACH, min(shape[:2]) // 8)


def contrasts(images: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the pixels of each image, (n,) float64 in grey levels."""
    parts = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
    return np.concatenate([part.reshape(len(part), -1).std(axis=1) for part in parts])


def near_duplicates(images: np.ndarray, distances: np.ndarray, places: np.ndarray) -> list[Pair]:
    """Return the pairs whose difference is at most ``LIMIT``, the most similar first.

    Args:
        images: (n, height, width) grey or (n, height, width, 3) uint8, all different, none blank.
        distances: (n, neighbours) distances of descriptors to the nearest other images.
        places: (n, neighbours) which those are.
    """
    contrast = contrasts(images)
    near = distances <= _LOOSE * LIMIT * contrast[:, None]
    first, neighbour = np.nonzero(near)
    candidates = np.stack([first, places[first, neighbour]], axis=1)
    candidates = np.concatenate([candidates, shifted_copies(images)])
    candidates = np.unique(np.sort(candidates, axis=1), axis=0)
    differences, shifts = compare(images, candidates)
    both = np.sqrt((contrast[candidates] ** 2).mean(axis=1))
    relative = differences / both
    order = np.argsort(relative, kind="stable")
    chosen = order[relative[order] <= LIMIT]
    found = []
    for one in chosen.tolist():
        (first, second), (down, right) = candidates[one].tolist(), shifts[one].tolist()
        found.append(Pair(first, second, float(relative[one]), (down, right)))
    return found


def compare(images: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest root mean square difference of (p, 2) pairs over all shifts, and those.

    It is in grey levels, (p,); the shifts are (p, 2), down and right.
    """
    (height, width), reach = images.shape[1:3], reach_of(images.shape[1:])
    span = range(-reach, reach + 1)
    shifts = sorted(itertools.product(span, span), key=lambda shift: sum(map(abs, shift)))
    best, moved = np.full(len(pairs), np.inf), np.zeros((len(pairs), 2), np.int64)
    for start in range(0, len(pairs), _CHUNK):
        here = slice(start, start + _CHUNK)
        first, second = (images[pairs[here, one]].astype(np.float32) for one in (0, 1))
        for down, right in shifts:
            one = first[:, max(-down, 0) : height - max(down, 0)]
            other = second[:, max(down, 0) : height - max(-down, 0)]
            one = one[:, :, max(-right, 0) : width - max(right, 0)]
            other = other[:, :, max(right, 0) : width - max(-right, 0)]
            found = np.sqrt(np.square(one - other).mean(axis=tuple(range(1, images.ndim))))
            better = found < best[here]
            best[here][better], moved[here][better] = found[better], (down, right)
    return best, moved


def shifted_copies(images: np.ndarray) -> np.ndarray:
    """Return (p, 2) pairs of images of which one holds the exact middle of the other, shifted.

    The descriptors of such a pair may differ more than its images look: a shift cuts parts off. So
    the middle of each image, without a border as wide as the largest shift, is looked up among all
    windows of that size of the others, by a random sum of their pixels. A few pairs are chance.
    """
    reach, (height, width) = reach_of(images.shape[1:]), images.shape[1:3]
    inside = (height - 2 * reach, width - 2 * reach)
    if reach == 0:
        return np.empty((0, 2), np.int64)
    bits = int(_EXACT - np.log2(255 * inside[0] * inside[1]))
    weights = np.random.default_rng(0).integers(0, 2**bits, inside)
    side = 2 * reach + 1
    kernels = np.zeros((height, width, side, side))
    for down, right in itertools.product(range(side), range(side)):
        kernels[down : down + inside[0], right : right + inside[1], down, right] = weights
    sums, varied = [], []
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        part = (grey(part) if part.ndim == 4 else part).reshape(len(part), height, width)
        middle = part[:, reach : height - reach, reach : width - reach].reshape(len(part), -1)
        varied.append(middle.min(axis=1) < middle.max(axis=1))
        sums.append(part.reshape(len(part), -1).astype(float) @ kernels.reshape(-1, side * side))
    return _matches(np.concatenate(sums), np.flatnonzero(np.concatenate(varied)))


def _matches(sums: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return pairs (any, known) with equal sums, where that of a known one is in the middle."""
    middle = sums[known, sums.shape[1] // 2]
    if not len(known):
        return np.empty((0, 2), np.int64)
    order = np.argsort(middle, kind="stable")
    ranked, found = middle[order], []
    for column in sums.T:
        at = np.minimum(np.searchsorted(ranked, column), len(ranked) - 1)
        hit = np.flatnonzero(ranked[at] == column)
        found.append(np.stack([hit, known[order[at[hit]]]], axis=1))
    pairs = np.concatenate(found)
    return pairs[pairs[:, 0] != pairs[:, 1]]
