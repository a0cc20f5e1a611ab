"""What a method gets, and what it returns."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Members:
    """The models that are combined."""

    names: Sequence[str]
    """What messages call them."""
    log_probabilities: np.ndarray
    """(members, images, classes) float64 of the validation images."""
    labels: np.ndarray
    """(images,) integers, those of the validation images."""
    images: np.ndarray
    """(images, *shape) uint8 in 0..255, the validation images."""
    load: "Callable[[int], keras.Model]"
    """Loads the model of a place, from pixels in 0..255 to logits, compiled."""
    batches: "Callable[[keras.Model], Iterable[Any]]"
    """Returns the images of some training batches, in the shape that a model takes."""
    correct: "Callable[[], np.ndarray]"
    """Returns (members, images) bool: which training images, as they are, each member classifies
    correctly."""


@dataclasses.dataclass(frozen=True)
class Combination:
    """What a method makes of members."""

    log_probabilities: np.ndarray
    """(images, classes) float64 of the validation images, by which it is measured."""
    build: "Callable[[], keras.Model]"
    """Builds the model, of Keras's own classes, from pixels in 0..255 to float32 logits."""
    weights: Sequence[float] | None = None
    """(members,) the share of each member, if it has one."""
