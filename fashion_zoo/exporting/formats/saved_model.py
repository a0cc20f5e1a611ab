"""TensorFlow's SavedModel."""

import re
from pathlib import Path

from fashion_zoo.errors import ExportError, Hint
from fashion_zoo.exporting.formats import WORDS, Format, serving, write_archive


@WORDS.register
def saved_model() -> Format:
    """A SavedModel, for TensorFlow alone, TensorFlow Serving and converters."""
    return Format("saved_model.pb", write, serve, check=check)


def check(folder: Path) -> None:
    """Raise ExportError for a path that TensorFlow cannot load from: brackets or a backslash."""
    if re.search(r"\\|\[.*\]", str(folder), re.DOTALL):
        raise ExportError(
            f"TensorFlow cannot load a SavedModel from {folder}: it reads brackets and backslashes "
            "in a path as a pattern. Export into a folder without them, or train with ",
            Hint("export", False),
            ".",
        )


def write(model, names, shape, folder):
    """Write a SavedModel with the function ``serve``, also its signature ``serving_default``."""
    write_archive(model, serving(model, names, shape), folder)


def serve(folder: str):
    """Predict with the signature."""
    import tensorflow as tf

    model = tf.saved_model.load(folder)  # the function below keeps its variables alive

    def answer(images):
        found = model.signatures["serving_default"](images=tf.constant(images))
        return {name: value.numpy() for name, value in found.items()}

    return answer
