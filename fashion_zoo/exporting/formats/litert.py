"""LiteRT, which was TFLite: for phones and small devices."""

import tempfile
import zipfile

from fashion_zoo.exporting.formats import WORDS, Format, pixels_of, serving, write_archive


@WORDS.register
def litert() -> Format:
    """LiteRT, which was TFLite; the class names are packed into the file as labels.txt."""
    return Format("model.tflite", write, serve, modules=("ai_edge_litert",), extra="litert")


def write(model, names, shape, folder):
    """Write ``model.tflite`` of LiteRT's own operations, with ``labels.txt`` in it.

    LiteRT has neither text nor int64. So the class index is int32, and the class names are, one per
    line, in a ZIP archive behind the model, as TFLite's metadata.
    """
    import tensorflow as tf

    named = serving(model, names, shape)

    @tf.function
    def unnamed(images):
        found = named(images)
        index = tf.cast(found["class_index"], tf.int32)
        return {"probabilities": found["probabilities"], "class_index": index}

    unnamed.get_concrete_function(pixels_of(shape))
    file = folder / "model.tflite"
    # The converter leaves out the values of Keras's variables if it is given a traced function.
    with tempfile.TemporaryDirectory() as saved:
        write_archive(model, unnamed, saved)
        file.write_bytes(tf.lite.TFLiteConverter.from_saved_model(saved).convert())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("labels.txt", "\n".join(names))


def serve(folder: str):
    """Predict with LiteRT's interpreter."""
    import zipfile

    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    file = f"{folder}/model.tflite"
    runner = Interpreter(file).get_signature_runner()
    names = np.array(zipfile.ZipFile(file).read("labels.txt").decode().split("\n"))

    def answer(images):
        found = runner(images=images)
        return {**found, "class_name": names[found["class_index"]]}

    return answer
