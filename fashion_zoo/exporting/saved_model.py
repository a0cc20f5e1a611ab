"""The SavedModel: raw uint8 images in, probabilities, class index and class name out."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo import storage
from fashion_zoo.data import Dataset, load
from fashion_zoo.errors import ExportError, Hint, StorageError
from fashion_zoo.exporting.float32 import in_float32
from fashion_zoo.exporting.parity import prove
from fashion_zoo.runs import Run
from fashion_zoo.storage.paths import absolute

if TYPE_CHECKING:
    import keras

SCALED = (
    "No pixel of these images is above 1. Give pixels as they come out of a picture, uint8 in "
    "0..255, and do not divide them by 255."
)


def export_run(run: Run, folder: str | Path, *, force: bool = False) -> dict[str, Any]:
    """Export a run's model as a SavedModel, and prove that it agrees with the model.

    The SavedModel needs TensorFlow alone: ``tf.saved_model.load(folder).serve(images)`` takes
    (batch, 28, 28) uint8 and returns a dictionary with ``probabilities`` (batch, 10) float32,
    ``class_index`` (batch,) int64 and ``class_name`` (batch,) string. The signature
    ``serving_default`` is the same function. Other types are refused, and so are images whose
    pixels are 0 and 1 alone, which is what casting leaves of pixels that were divided by 255.

    It computes in float32, with the same weights, whatever the training computed in: few programs
    that convert a SavedModel know 16 bits.

    Args:
        run: the run.
        folder: what to make. It appears only when the proof holds.
        force: replace an older export there.

    Returns:
        What ``parity.json``, which lies in the folder, holds.

    Raises:
        ExportError: the Keras backend is not tensorflow, or the export does not agree.
        RunError: the run has no model, or something is in the folder already.
        StorageError: the folder cannot be written.
    """
    folder = absolute(folder)
    storage.check_free(folder, "an export", _is_export, force=force)
    run.check_model()
    check_exportable(folder)
    trained = run.load_model()
    model, data = in_float32(trained), load(run.config.data)
    with storage.atomic_folder(folder, replace=force) as temporary:
        write_saved_model(model, temporary, data)
        parity = prove(model, temporary, data, trained=trained)
        storage.write_json(temporary / "parity.json", parity)
    return parity


def check_exportable(folder: Path) -> None:
    """Check that this backend can write a SavedModel, and that TensorFlow can load it from there.

    Raises:
        ExportError: the Keras backend is not tensorflow, or the path has brackets or a backslash.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            f"A SavedModel needs the tensorflow backend, this is {keras.backend.backend()}. "
            "Train with ",
            Hint("export", False),
            ", and export the run with KERAS_BACKEND=tensorflow.",
        )
    if re.search(r"\\|\[.*\]", str(folder), re.DOTALL):
        raise ExportError(
            f"TensorFlow cannot load a SavedModel from {folder}: it reads brackets and backslashes "
            "in a path as a pattern. Export into a folder without them, or train with ",
            Hint("export", False),
            ".",
        )


def write_saved_model(model: "keras.Model", folder: Path, data: Dataset) -> None:
    """Write the SavedModel of a model that takes pixels and returns logits."""
    import keras
    import tensorflow as tf

    names = tf.constant(data.class_names)
    shape = model.input_shape[1:]

    @tf.function  # without a signature of its own, which would cast what it gets in silence
    def serve(images):
        seen = tf.logical_or(tf.equal(tf.size(images), 0), tf.reduce_max(images) > 1)
        tf.debugging.Assert(seen, [SCALED])
        pixels = tf.reshape(tf.cast(images, tf.float32), (-1, *shape))
        probabilities = tf.nn.softmax(model(pixels, training=False))
        index = tf.argmax(probabilities, axis=-1)
        return {
            "probabilities": probabilities,
            "class_index": index,
            "class_name": tf.gather(names, index),
        }

    serve.get_concrete_function(tf.TensorSpec((None, *data.image_shape), tf.uint8, name="images"))
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve)
    try:
        archive.write_out(str(folder), verbose=False)
    except tf.errors.OpError as error:  # how TensorFlow reports a full disk
        raise StorageError(f"Cannot write {folder}: {error.message}.") from error


def _is_export(folder: Path) -> bool:
    return (folder / "saved_model.pb").is_file() and (folder / "parity.json").is_file()
