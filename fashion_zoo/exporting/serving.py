"""The serving function of the formats that TensorFlow writes: from pixels to classes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fashion_zoo.errors import StorageError

if TYPE_CHECKING:
    import keras

SCALED = (
    "No pixel of these images is above 1. Give pixels as they come out of a picture, uint8 in "
    "0..255, and do not divide them by 255."
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
