"""Evaluate, export and predict with a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fashion_zoo import runs
from fashion_zoo.errors import ConfigError


def evaluate(run: str | Path) -> dict[str, Any]:
    """Evaluate a run on the test images; see ``fashion_zoo.evaluation.measure``.

    Raises:
        RunError: it is not a run, or has no model.
    """
    from fashion_zoo.evaluation import evaluate_run

    return evaluate_run(runs.open_run(run))


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
    """The path as given."""
    notes: tuple[str, ...]
    """What was done to the picture."""
    looks_inverted: bool
    """Whether it looks inverted."""
    is_faint: bool
    """Whether hardly any contrast is left, so that the classes mean little."""
    classes: tuple[tuple[str, float], ...]
    """Class name and probability, the most probable first."""


def predict(
    run: str | Path, pictures: Sequence[str | Path], *, top: int = 3, invert: bool = False
) -> list[Prediction]:
    """Predict the classes of picture files of any size and colour.

    Args:
        run: the run folder.
        pictures: files that Pillow reads.
        top: how many classes to return.
        invert: whether to swap light and dark first.

    Raises:
        DataError: a file is not a picture.
        RunError: it is not a run, or has no model.
        ConfigError: no pictures, or ``top`` is not in 1..10.
    """
    from fashion_zoo.data import CLASS_NAMES
    from fashion_zoo.data.pictures import read_picture
    from fashion_zoo.evaluation.report import probabilities

    if not pictures:
        raise ConfigError("predict needs at least one picture, received none.")
    if not 1 <= top <= len(CLASS_NAMES):
        raise ConfigError(f"top must be in 1..{len(CLASS_NAMES)}, received {top}.")
    opened = runs.open_run(run)
    read = [read_picture(path, invert=invert) for path in pictures]
    found = probabilities(opened.load_model(), np.stack([entry.image for entry in read]))
    return [
        Prediction(
            str(path),
            entry.notes,
            entry.looks_inverted,
            entry.is_faint,
            tuple((CLASS_NAMES[place], float(row[place])) for place in np.argsort(-row)[:top]),
        )
        for path, entry, row in zip(pictures, read, found, strict=True)
    ]
