"""Evaluate, export and predict with a run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fashion_zoo import runs
from fashion_zoo.errors import ConfigError, DataError


def evaluate(
    run: str | Path, *, show: Callable[[dict[str, Any]], None] | None = None
) -> dict[str, Any]:
    """Evaluate a run on the test images; see ``fashion_zoo.evaluation.measure``.

    Args:
        run: the run folder.
        show: called with the numbers before anything is written into the run.

    Raises:
        RunError: it is not a run, or has no model.
        StorageError: the run folder cannot be written.
    """
    from fashion_zoo.evaluation import evaluate_run

    return evaluate_run(runs.open_run(run), show or (lambda found: None))


def export(run: str | Path, to: str | Path, *, force: bool = False) -> dict[str, Any]:
    """Export a run as a SavedModel and prove that it agrees.

    Raises:
        RunError: it is not a run, or has no model.
        ExportError: the export does not agree, or the backend cannot write one.
    """
    from fashion_zoo.exporting import export_run

    return export_run(runs.open_run(run), to, force=force)


class Prediction(NamedTuple):
    """What a model says of one picture."""

    picture: str
    """The path as given; of an array ``image 0``, ``image 1`` and so on."""
    notes: tuple[str, ...]
    """What was done to the picture."""
    looks_inverted: bool
    """Whether it looks inverted."""
    is_faint: bool
    """Whether hardly any contrast is left, so that the classes mean little."""
    classes: tuple[tuple[str, float], ...]
    """Class name and probability, the most probable first."""


def predict(
    run: str | Path,
    pictures: Sequence[str | Path] | np.ndarray,
    *,
    top: int = 3,
    invert: bool = False,
    skip: Callable[[DataError], None] | None = None,
) -> list[Prediction]:
    """Predict the classes of picture files of any size and colour, or of an array of pixels.

    Args:
        run: the run folder.
        pictures: files that Pillow reads; or an array of (28, 28) or (n, 28, 28) integers or floats
            in 0..255, 0 is black.
        top: how many classes to return.
        invert: whether to swap light and dark first.
        skip: called with the error of a file that is not a picture, which is then left out; by
            default it is raised.

    Raises:
        DataError: a file is not a picture, or the array does not hold pixels.
        RunError: it is not a run, or has no model.
        ConfigError: no pictures, or ``top`` is not in 1..10.
    """
    from fashion_zoo.data import CLASS_NAMES
    from fashion_zoo.data.arrays import read_pictures
    from fashion_zoo.data.pictures import read_picture
    from fashion_zoo.evaluation.report import probabilities

    if isinstance(pictures, np.ndarray):
        read = read_pictures(pictures, invert=invert)
        names = [f"image {place}" for place in range(len(read))]
    else:
        read, names = [], []
        for path in pictures:
            try:
                read.append(read_picture(path, invert=invert))
                names.append(str(path))
            except DataError as error:
                if skip is None:
                    raise
                skip(error)
        if pictures and not read:
            return []
    if not read:
        raise ConfigError("predict needs at least one picture, received none.")
    if not 1 <= top <= len(CLASS_NAMES):
        raise ConfigError(f"top must be in 1..{len(CLASS_NAMES)}, received {top}.")
    opened = runs.open_run(run)
    found = probabilities(opened.load_model(), np.stack([entry.image for entry in read]))
    return [
        Prediction(
            name,
            entry.notes,
            entry.looks_inverted,
            entry.is_faint,
            tuple((CLASS_NAMES[place], float(row[place])) for place in np.argsort(-row)[:top]),
        )
        for name, entry, row in zip(names, read, found, strict=True)
    ]
