"""The logits of a model, and the classes of pictures."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fashion_zoo import runs
from fashion_zoo.data import Dataset, Description, load, reshape
from fashion_zoo.data.pictures import Picture, read_picture, read_pictures
from fashion_zoo.errors import ConfigError, DataError
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import AnyPath, checked, received
from fashion_zoo.machine import precision
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show.waiting import Progress, waiting

if TYPE_CHECKING:
    import keras

_BATCH = 1000  # images; divides the 10,000 of Fashion-MNIST, so prediction needs one shape only


def probabilities(model, images: np.ndarray) -> np.ndarray:
    """Predict (n, classes) float64 probabilities of (n, *shape) images."""
    from scipy.special import softmax

    return softmax(logits_of(model, images), axis=1)


@precision.keras_defaults()
def logits_of(model, images: np.ndarray) -> np.ndarray:
    """Predict (n, classes) float64 logits of (n, *shape) images."""
    inputs = reshape(images, model.input_shape[1:])
    # Not predict: the threads of its pipeline, new ones for each call, leak memory.
    batches = (inputs[start : start + _BATCH] for start in range(0, len(inputs), _BATCH))
    # Under a strategy the results of all replicas, each of the whole batch, are concatenated.
    logits = [model.predict_on_batch(batch.astype("float32"))[: len(batch)] for batch in batches]
    return np.concatenate(logits).astype("float64")


def run_or_model(
    function: str, several: str, value: Any, data: Any
) -> "tuple[runs.Run | keras.Model, Description | Dataset]":
    """Return an opened run and the description of its images, or a model and its data set."""
    keras = sys.modules.get("keras")  # a caller with a model has loaded it
    if keras is not None and isinstance(value, keras.Model):
        found = load(data)
        _check_model(function, value, len(found.class_names))
        return value, found
    if not isinstance(value, str | os.PathLike):
        raise ConfigError(
            f"{function} takes a run, its folder or a model{several}, received {received(value)}."
        )
    run = runs.open_run(value)
    return run, run.data


def _check_model(function: str, model: "keras.Model", classes: int) -> None:
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


class Prediction(NamedTuple):
    """The classes that a model predicts for one picture."""

    picture: str
    """The path as given; of an array ``image 0``, ``image 1`` and so on."""
    notes: tuple[str, ...]
    """Changes made to the picture."""
    looks_inverted: bool
    """Whether its border is light where that of the training images is dark, or the reverse."""
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
    data: Any = None,
    skip: Callable[[DataError], None] | None = None,
    progress: Progress = "auto",
) -> list[Prediction]:
    """Predict the classes of picture files of any size and colour, or of arrays of pixels.

    Args:
        run: a run: its folder, or the result of ``open_run`` or ``train``. Or a model that takes
            pixels and returns logits.
        pictures: a file that Pillow reads, or an array of (height, width) or (n, height,
            width), with a 3 behind it in colour, integers or floats in 0..255; or a list of these.
            Files are converted as the images of the run were. Arrays have the shape of these, and
            are inverted if they were, so give pixels as they are in the source.
        top: number of classes to return.
        invert: whether to swap light and dark first.
        data: the data set of a model, by default Fashion-MNIST; that of a run is stored in it.
        skip: called with the error of a file that is not a picture, which is then left out; by
            default it is raised.
        progress: show progress on a terminal: True, False, or "auto".

    Returns:
        A prediction for each image, in order.

    Raises:
        DataError: if a file is not a picture, or an array does not hold pixels.
        RunError: if it is not a run, or has no model.
        ConfigError: if there are no pictures, ``top`` is above the number of classes, a model is of
            other images or classes, or an argument is not allowed.
    """
    opened, known = run_or_model("predict", "", run, data)
    names = known.class_names
    checks.whole("top", top, 1, max(len(names), 3))  # the default also holds with two classes
    several = pictures if isinstance(pictures, list | tuple) else [pictures]
    # A run whose images were inverted inverts what it is given.
    inverted = known.invert if isinstance(known, Description) else known.origin.invert
    named = _read(several, known.image_shape, invert != inverted, skip)
    if several and not named:
        return []
    if not named:
        raise ConfigError("predict needs at least one picture, received none.")
    light = isinstance(known, Description) and known.ground > 127  # the border of its images
    grey = len(known.image_shape) == 2  # photographs have no ground
    with waiting("Predicting", progress):
        model = opened.load_model() if isinstance(opened, runs.Run) else opened
        found = probabilities(model, np.stack([entry.image for _, entry in named]))
    return [
        Prediction(
            name,
            read.notes,
            grey and read.looks_inverted != light,
            read.is_faint,
            tuple((names[place], float(row[place])) for place in np.argsort(-row)[:top]),
        )
        for (name, read), row in zip(named, found, strict=True)
    ]


def _read(
    pictures: Sequence[Any],
    shape: tuple[int, ...],
    invert: bool,
    skip: Callable[[DataError], None] | None,
) -> list[tuple[str, Picture]]:
    """Return the name and the picture of each image."""
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
