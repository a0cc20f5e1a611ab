"""An export is float32, so that other programs read it, whatever the training computed in."""

import sys

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ExportError, list_recipes, recipe
from fashion_zoo.data import load
from fashion_zoo.evaluation.report import probabilities
from fashion_zoo.exporting import float32, parity, saved_model

TOLERANCE = 1e-5  # of a probability, against the float32 model
CASES = [
    (name, "mixed_bfloat16" if recipe(name).config.precision == "auto" else "float32")
    for name in list_recipes()
]
CASES += [("adaptive_dropout_mlp", "mixed_float16")]


@pytest.mark.parametrize(
    "precision", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_the_float32_form_has_the_weights_of_the_trained_one(precision, images):
    trained = fashion_zoo.get("bn_mlp", precision=precision, hidden_units=(16, 8))
    plain = float32.in_float32(trained)
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"}
    for old, new in zip(trained.weights, plain.weights, strict=True):
        assert (old.name, old.path) == (new.name, new.path)
        assert np.array_equal(old, new)
    found = parity._compare(trained, images.images, probabilities(plain, images.images))
    assert found["dtype"] == precision.removeprefix("mixed_")
    assert 0 < found["largest_probability_difference"] < found["tolerance"]
    assert float32.in_float32(plain) is plain


def test_a_float32_form_that_computes_something_else_is_refused(images):
    trained = fashion_zoo.get("bn_mlp", precision="mixed_bfloat16", hidden_units=(16, 8))
    other = probabilities(float32.in_float32(trained), images.images)[::-1]
    with pytest.raises(ExportError, match=r"what was trained in bfloat16: .*tolerance 0\.125"):
        parity._compare(trained, images.images, other)


def test_a_model_that_cannot_be_taken_apart_is_exported_as_it_is():
    class Own(keras.Model):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def call(self, inputs):
            return self.layer(inputs)

    model = Own(keras.layers.Dense(10, dtype="mixed_bfloat16"))
    model(np.zeros((1, 4), dtype="float32"))
    assert float32.compute_dtype(model) == "bfloat16"
    assert float32.in_float32(model) is model


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def exported(request, tmp_path_factory):
    """A recipe that was trained a little: its SavedModel, and its float32 probabilities."""
    name, precision = request.param
    model = fashion_zoo.get(name, precision=precision)
    data = load()
    train, tested = data.read("train"), data.test.images
    model.fit(train.images[:5000], train.labels[:5000], batch_size=100, epochs=2, verbose=0)
    folder = tmp_path_factory.mktemp("exported")
    plain = float32.in_float32(model)
    saved_model.write_saved_model(plain, folder, data)
    return folder, tested, probabilities(plain, tested)


def assert_same(answers, expected):
    """Classes, names and probabilities are those of the float32 model."""
    classes = expected.argmax(axis=1)
    assert np.abs(answers["probabilities"] - expected).max() < TOLERANCE
    assert np.array_equal(answers["class_index"], classes)
    names = [name.decode() if isinstance(name, bytes) else name for name in answers["class_name"]]
    assert names == [load().class_names[place] for place in classes]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_every_recipe_converts_to_tflite(exported):
    import tensorflow as tf

    folder, images, expected = exported
    content = tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert()
    runner = tf.lite.Interpreter(model_content=content).get_signature_runner("serving_default")
    parts = [runner(images=batch) for batch in np.array_split(images, 10)]
    assert_same(
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, expected
    )


@pytest.mark.slow
def test_every_recipe_converts_to_onnx(exported, tmp_path, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    convert = pytest.importorskip("tf2onnx.convert")
    folder, images, expected = exported
    file = str(tmp_path / "model.onnx")
    monkeypatch.setattr(sys, "argv", ["convert", "--saved-model", str(folder), "--output", file])
    convert.main()
    session = onnxruntime.InferenceSession(file)
    answers = session.run(None, {"images": images})
    names = [output.name for output in session.get_outputs()]
    assert_same(dict(zip(names, answers, strict=True)), expected)
