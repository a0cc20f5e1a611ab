"""Evaluate, export and predict with a run."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

from fashion_zoo import runs
from fashion_zoo.data import load
from fashion_zoo.errors import ConfigError, DataError
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import AnyPath, Place, checked, received
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show.waiting import waiting
from fashion_zoo.show.watching import Progress

if TYPE_CHECKING:
    import keras

    from fashion_zoo.data.pictures import Picture

Show = Callable[[dict[str, Any]], None]


@overload
def evaluate(
    run: "AnyPath | keras.Model", *, show: Show | None = None, progress: Progress = "auto"
) -> dict[str, Any]: ...
@overload
def evaluate(
    run: "Sequence[AnyPath | keras.Model]",
    *,
    show: Show | None = None,
    progress: Progress = "auto",
) -> list[dict[str, Any]]: ...
@checked
@releasing()
def evaluate(run: Any, *, show: Show | None = None, progress: Progress = "auto") -> Any:
    """Evaluate on the test images; see ``fashion_zoo.evaluation.measure``.

    Args:
        run: a run: its folder, what ``open_run`` or ``train`` returned. It gets evaluation.json and
            three pictures. Or a model that takes pixels and returns logits; or a list of these.
        show: called with the numbers before anything is written into a run.
        progress: say on a terminal what is going on: True, False, or "auto".

    Returns:
        What was measured; for a list one of each.

    Raises:
        RunError: it is not a run, or has no model.
        ConfigError: it is something else, or a model of other images or classes.
        StorageError: the run folder cannot be written.
    """
    if isinstance(run, list | tuple) and not hasattr(run, "__fspath__"):
        return [evaluate(one, show=show, progress=progress) for one in run]
    if _is_model(run):
        found = _evaluate_model(run)
        if show:
            show(found)
        return found
    opened = _open("evaluate takes a run, its folder or a model, one or a list of them", run)
    from fashion_zoo.evaluation import evaluate_run

    with waiting("Evaluating on the test images", progress):
        return evaluate_run(opened, show or (lambda found: None))


def _is_model(value: object) -> bool:
    # Who has a model has loaded keras.
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.Model)


def _open(takes: str, run: object) -> runs.Run:
    if not isinstance(run, str | os.PathLike):
        raise ConfigError(f"{takes}, received {received(run)}.")
    return runs.open_run(run)


def _evaluate_model(model: "keras.Model") -> dict[str, Any]:
    from fashion_zoo.evaluation.report import measure_test

    _check_model("evaluate", model)
    return measure_test(model, load())


def _check_model(function: str, model: "keras.Model") -> None:
    """Check that a caller's model has a known shape and an output for each class."""
    classes = len(load().class_names)
    try:
        shape = model.output_shape
    except AttributeError:
        raise ConfigError(
            f"{function} takes a model whose shapes are known, received {received(model)}. Give it "
            "a keras.Input, or call it with a batch first."
        ) from None
    if not isinstance(shape, tuple) or shape[-1] != classes:
        raise ConfigError(
            f"{function} takes a model of {classes} classes, received one with outputs of "
            f"shape {shape}."
        )


@checked
@releasing()
def export(
    run: AnyPath,
    to: Place,
    format: str = "saved_model",
    *,
    force: bool = False,
    progress: Progress = "auto",
) -> dict[str, Any]:
    """Export a run for other programs and prove that the export agrees.

    Args:
        run: a run: its folder, or what ``open_run`` or ``train`` returned.
        to: the folder to make.
        format: ``saved_model``, or one of the others in ``fashion_zoo.exporting.WORDS``.
        force: replace an older export there.
        progress: say on a terminal what is going on: True, False, or "auto".

    Raises:
        ConfigError: an unknown format.
        RunError: it is not a run, or has no model.
        ExportError: the export does not agree, or cannot be written here.
    """
    opened = runs.open_run(run)
    from fashion_zoo.exporting import export_run

    with waiting("Exporting, and comparing the export with the model", progress):
        return export_run(opened, Path(to), format, force=force)


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


@checked
@releasing()
def predict(
    run: "AnyPath | keras.Model",
    pictures: "AnyPath | np.ndarray | Sequence[AnyPath | np.ndarray]",
    *,
    top: int = 3,
    invert: bool = False,
    skip: Callable[[DataError], None] | None = None,
) -> list[Prediction]:
    """Predict the classes of picture files of any size and colour, or of arrays of pixels.

    Args:
        run: a run: its folder, or what ``open_run`` or ``train`` returned. Or a model that takes
            pixels and returns logits.
        pictures: a file that Pillow reads, or an array of (28, 28) or (n, 28, 28) integers or
            floats in 0..255, 0 is black; or a list of these.
        top: how many classes to return.
        invert: whether to swap light and dark first.
        skip: called with the error of a file that is not a picture, which is then left out; by
            default it is raised.

    Returns:
        One for each image, in order.

    Raises:
        DataError: a file is not a picture, or the array does not hold pixels.
        RunError: it is not a run, or has no model.
        ConfigError: no pictures, ``top`` is not in 1..10, a model of other images or classes, or an
            argument is something else.
    """
    data = load()
    names = data.class_names
    checks.whole("top", top, 1, len(names))
    if _is_model(run):
        _check_model("predict", run)
        opened: Any = run
    else:
        opened = _open("predict takes a run, its folder or a model", run)
    several = pictures if isinstance(pictures, list | tuple) else [pictures]
    named = _read(several, data.image_shape, invert, skip)
    if several and not named:
        return []
    if not named:
        raise ConfigError("predict needs at least one picture, received none.")
    from fashion_zoo.evaluation.report import probabilities

    model = opened.load_model() if isinstance(opened, runs.Run) else opened
    found = probabilities(model, np.stack([entry.image for _, entry in named]))
    return [
        Prediction(
            name,
            entry.notes,
            entry.looks_inverted,
            entry.is_faint,
            tuple((names[place], float(row[place])) for place in np.argsort(-row)[:top]),
        )
        for (name, entry), row in zip(named, found, strict=True)
    ]


def _read(
    pictures: Sequence[Any],
    shape: tuple[int, ...],
    invert: bool,
    skip: Callable[[DataError], None] | None,
) -> list[tuple[str, "Picture"]]:
    """Return the name of each image and what was read."""
    from fashion_zoo.data.arrays import read_pictures
    from fashion_zoo.data.pictures import read_picture

    named: list[tuple[str, Picture]] = []
    for one in pictures:
        if isinstance(one, str | os.PathLike):
            try:
                named.append((os.fspath(one), read_picture(os.fspath(one), shape, invert=invert)))
            except DataError as error:
                if skip is None:
                    raise
                skip(error)
        elif isinstance(one, np.ndarray):
            images = read_pictures(one, shape, invert=invert)
            named += [(f"image {len(named) + place}", image) for place, image in enumerate(images)]
        else:
            raise ConfigError(
                "predict takes picture files and arrays of pixels, one or a list of them, "
                f"received {received(one)}."
            )
    return named
