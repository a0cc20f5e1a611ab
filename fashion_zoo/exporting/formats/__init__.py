"""The formats of exports, one per file, and the serving function that they write."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.errors import StorageError
from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    import keras

SCALED = (
    "No pixel of these images is above 1. Give pixels as they come out of a picture, uint8 in "
    "0..255, and do not divide them by 255."
)
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


def serving(model: "keras.Model", names: Sequence[str], shape: tuple[int, ...]) -> Callable:
    """Return a traced ``tf.function`` of ``images``, (batch, *shape) uint8.

    It returns ``probabilities`` (batch, classes) float32, ``class_index`` (batch,) int64 and
    ``class_name`` (batch,) string. It refuses images whose pixels are 0 and 1 alone, as casting
    leaves of pixels that were divided by 255.
    """
    import tensorflow as tf

    inputs = model.input_shape[1:]

    @tf.function  # without an input signature, which would cast other dtypes in silence
    def serve(images):
        seen = tf.logical_or(tf.equal(tf.size(images), 0), tf.reduce_max(images) > 1)
        tf.debugging.Assert(seen, [SCALED])
        pixels = tf.reshape(tf.cast(images, tf.float32), (-1, *inputs))
        probabilities = tf.nn.softmax(model(pixels, training=False))
        index = tf.argmax(probabilities, axis=-1)
        return {
            "probabilities": probabilities,
            "class_index": index,
            # Inside the graph: tf2onnx turns a constant from outside into an input.
            "class_name": tf.gather(tf.constant(names), index),
        }

    serve.get_concrete_function(pixels_of(shape))
    return serve


def write_archive(model: "keras.Model", serve: Callable, folder: str | Path) -> None:
    """Write a SavedModel of a model with a traced function as its signature."""
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve)
    try:
        archive.write_out(str(folder), verbose=False)
    except tf.errors.OpError as error:  # of a full disk
        raise StorageError(f"Cannot write {folder}: {error.message}.") from error


def pixels_of(shape: tuple[int, ...]):
    """Return the ``tf.TensorSpec`` of images of a shape, named ``images``."""
    import tensorflow as tf

    return tf.TensorSpec((None, *shape), tf.uint8, name="images")
