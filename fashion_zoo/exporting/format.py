"""What a format of exports is, and the vocabulary of all."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    import keras

Answer = Callable[[np.ndarray], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Format:
    """One way to write a model, and to answer images with what was written."""

    file: str
    """What an export in this format has in its folder, such as ``model.onnx``."""
    write: "Callable[[keras.Model, Sequence[str], tuple[int, ...], Path], None]"
    """Called with a float32 model that takes pixels and returns logits, the names of its classes,
    the shape of an image, and a folder to write into. The export takes (batch, *shape) uint8."""
    serve: Callable[[str], Answer]
    """Called with the folder; returns a function of (batch, *shape) uint8 images, which returns
    ``probabilities`` (batch, classes), ``class_index`` (batch,) and ``class_name`` (batch,) text or
    UTF-8. It runs as source in a process that has neither keras nor this package, so it imports
    what it needs itself and calls nothing else of its file."""
    backends: tuple[str, ...] = ("tensorflow",)
    """The Keras backends that can write it."""
    modules: tuple[str, ...] = ()
    """What writing and serving import and the package does not require."""
    extra: str = ""
    """The extra of this package that installs them."""
    check: Callable[[Path], None] = lambda folder: None
    """Called with the folder to make before anything is done; raises ExportError."""


WORDS: Vocabulary[Format] = Vocabulary(
    "export format",
    package="fashion_zoo.exporting.formats",
    example="saved_model",
    finish=lambda found: found if isinstance(found, Format) else None,
)
