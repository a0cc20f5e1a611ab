"""ONNX, by tf2onnx."""

from fashion_zoo import storage
from fashion_zoo.exporting.formats import WORDS, Format, pixels_of, serving


@WORDS.register
def onnx() -> Format:
    """ONNX, for ONNX Runtime; the class names are an output of the graph."""
    return Format("model.onnx", write, serve, modules=("tf2onnx", "onnxruntime"), extra="onnx")


def write(model, names, shape, folder):
    """Write ``model.onnx``, with the outputs of the SavedModel."""
    import tf2onnx

    converted, _ = tf2onnx.convert.from_function(
        serving(model, names, shape), input_signature=(pixels_of(shape),)
    )
    storage.write_bytes(folder / "model.onnx", converted.SerializeToString())


def serve(folder: str):
    """Predict with ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(None, {"images": images}), strict=True))
