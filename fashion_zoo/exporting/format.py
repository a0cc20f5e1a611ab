"""The class of an export format, and the vocabulary of formats."""

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
    """A way to write a model, and to predict with the written one."""

    file: str
    """File that marks an export in this format, such as ``model.onnx``."""
    write: "Callable[[keras.Model, Sequence[str], tuple[int, ...], Path], None]"
    """Takes a float32 model from pixels to logits, its class names, the shape of an image, and a
    folder to write into. The export takes (batch, *shape) uint8."""
    serve: Callable[[str], Answer]
    """Takes the folder and returns a function of (batch, *shape) uint8 images, which returns
    ``probabilities`` (batch, classes), ``class_index`` (batch,) and ``class_name`` (batch,) text or
    UTF-8. Its source runs in a process that has neither keras nor this package, so it contains its
    imports and calls nothing else of its file."""
    backends: tuple[str, ...] = ("tensorflow",)
    """The Keras backends that can write it."""
    modules: tuple[str, ...] = ()
    """Modules that writing and serving import and that this package does not require."""
    extra: str = ""
    """The extra of this package that installs them."""
    check: Callable[[Path], None] = lambda folder: None
    """Takes the folder before anything is written; may raise ExportError."""


WORDS: Vocabulary[Format] = Vocabulary(
    "export format",
    package="fashion_zoo.exporting.formats",
    example="saved_model",
    finish=lambda found: found if isinstance(found, Format) else None,
)
