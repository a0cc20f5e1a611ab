"""The split of images into parts, by a seed: stratified, and equal images on one side."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fashion_zoo.data.dataset import Positions
from fashion_zoo.errors import DataError
from fashion_zoo.language.wording import counted
from fashion_zoo.seeds import derive
from fashion_zoo.storage import reading

_TRAIN, _VALIDATION, _TEST, _NOWHERE = range(4)
_SHOWN = 10  # positions in a note


def marks(images: np.ndarray) -> list[bytes]:
    """Return a digest of the pixels of each image."""
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    return [hashlib.blake2b(row.data, digest_size=16).digest() for row in rows]


def first_equals(found: Sequence[bytes]) -> np.ndarray:
    """Return for each mark the position of the first that equals it, (n,) int64."""
    seen: dict[bytes, int] = {}
    places = (seen.setdefault(mark, place) for place, mark in enumerate(found))
    return np.fromiter(places, np.int64, len(found))


def split(
    labels: np.ndarray,
    names: Sequence[str],
    equal: np.ndarray,
    *,
    validation: float,
    test: float,
    seed: int,
    kept: np.ndarray,
    where: str = "y",
) -> Positions:
    """Hold out of each class a share for the test and one for validation, at least one image.

    Args:
        labels: (n,) positions in ``names``.
        names: the class names.
        equal: (n,) position of the first image with the same pixels; it decides on which side they
            all are, and its label is their class.
        validation: share of each class; 0 for none.
        test: the same.
        seed: key of the draw.
        kept: (n,) whether an image is in any part.
        where: what holds the labels, for messages.

    Raises:
        DataError: if nothing of a class is left to train on.
    """
    side = np.full(len(labels), _NOWHERE, np.int8)
    count = np.bincount(equal, weights=kept, minlength=len(labels)).astype(np.int64)
    for label, name in enumerate(names):
        members = np.flatnonzero((labels == label) & (count > 0))
        total = int(count[members].sum())
        tested, chosen = (
            max(round(share * total), 1) if share else 0 for share in (test, validation)
        )
        order = np.random.default_rng(derive(seed, "split", label)).permutation(members)
        ends = np.cumsum(count[order])
        first = _reach(ends, 0, tested)
        second = _reach(ends, first, chosen)
        if second >= len(order):
            copies = int(((labels == label) & ~kept).sum())
            more = f" {copies:,} more are copies of validation or test images." if copies else ""
            raise DataError(
                f"{where}: Class {name!r} has {counted(total, 'image')}, of which {tested} would "
                f"be held out for the test and {chosen} for validation: none is left to train on."
                f"{more}"
            )
        side[order] = _TRAIN
        side[order[first:second]] = _VALIDATION
        side[order[:first]] = _TEST
    side = side[equal]
    side[~kept] = _NOWHERE
    parts = (np.flatnonzero(side == part) for part in (_TRAIN, _VALIDATION, _TEST))
    return Positions(*parts)


def _reach(ends: np.ndarray, start: int, wanted: int) -> int:
    """Return the position after ``start`` where at least ``wanted`` images more are passed."""
    if not wanted:
        return start
    before = ends[start - 1] if 0 < start <= len(ends) else 0
    return int(np.searchsorted(ends, before + wanted)) + 1


def without(positions: Positions, file: str, count: int) -> tuple[Positions, str]:
    """Leave images out of training and validation; return also a note of what that did.

    ``file`` has positions among the ``count`` training images of the source, one per line; a line
    may end with a comment after #. The test images stay, so that results can be compared.

    Raises:
        DataError: if it cannot be read, or has something else.
    """
    out = np.unique(read_positions(Path(file), count))
    used = np.concatenate(positions[:2])
    parts = [part[~np.isin(part, out)] for part in positions[:2]]
    idle = np.setdiff1d(out, used)
    note = f"{counted(len(out) - len(idle), 'image')} excluded"
    if len(idle):
        shown = ", ".join([*map(str, idle[:_SHOWN]), *(["..."] if len(idle) > _SHOWN else [])])
        note += f"; {counted(len(idle), 'position')} without effect, of test images or copies "
        note += f"of them: {shown}"
    return positions._replace(train=parts[0], validation=parts[1]), note


def read_positions(file: Path, count: int) -> np.ndarray:
    """Read a file of positions below ``count``, one per line."""
    try:
        lines = reading.read_text(file).splitlines()
    except ValueError as error:
        raise DataError(f"{file} cannot be read: {error}.") from error
    found = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) < count):
            raise DataError(
                f"{file}, line {number}: expected the position of an image in 0..{count - 1:,}, "
                f"received {text[:40]!r}."
            )
        found.append(int(text))
    return np.array(found, np.int64)
