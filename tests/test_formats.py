"""The formats of exports: each is one file, computes in float32 and is proved in the same way.

A dummy stands for a format that somebody adds; litert and onnx run where their extras are.
"""

import dataclasses
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, ExportError, RunError, list_recipes, recipe, runs
from fashion_zoo.data import load
from fashion_zoo.evaluation.predict import probabilities
from fashion_zoo.exporting import WORDS, Format, export as exports, export_run
from recipes import export

ROOT = Path(__file__).parent.parent
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
    plain = exports.in_float32(trained)
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"}
    for old, new in zip(trained.weights, plain.weights, strict=True):
        assert (old.name, old.path) == (new.name, new.path)
        assert np.array_equal(old, new)
    found = exports._compare(trained, images.images, probabilities(plain, images.images))
    assert found["dtype"] == precision.removeprefix("mixed_")
    assert 0 < found["largest_probability_difference"] < found["tolerance"]
    assert exports.in_float32(plain) is plain


def test_a_float32_form_that_computes_something_else_is_refused(images):
    trained = fashion_zoo.get("bn_mlp", precision="mixed_bfloat16", hidden_units=(16, 8))
    other = probabilities(exports.in_float32(trained), images.images)[::-1]
    with pytest.raises(ExportError, match=r"what was trained in bfloat16: .*tolerance 0\.125"):
        exports._compare(trained, images.images, other)


def test_a_model_that_cannot_be_taken_apart_is_exported_as_it_is():
    class Own(keras.Model):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def call(self, inputs):
            return self.layer(inputs)

    model = Own(keras.layers.Dense(10, dtype="mixed_bfloat16"))
    model(np.zeros((1, 4), dtype="float32"))
    assert exports.compute_dtype(model) == "bfloat16"
    assert exports.in_float32(model) is model


def write_table(model, names, shape, folder):
    """Write what a model of one Dense layer is."""
    kernel, bias = model.get_weights()
    np.savez(folder / "model.npz", kernel=kernel, bias=bias, names=np.array(names))


def serve_table(folder: str):
    """Answer with numpy alone."""
    import numpy as np

    stored = np.load(f"{folder}/model.npz")

    def answer(images):
        pixels = images.reshape(len(images), -1) / np.float32(255)
        logits = pixels @ stored["kernel"] + stored["bias"]
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        index = logits.argmax(axis=1)
        probabilities = exponents / exponents.sum(axis=1, keepdims=True)
        return {
            "probabilities": probabilities,
            "class_index": index,
            "class_name": stored["names"][index],
        }

    return answer


TABLE = Format("model.npz", write_table, serve_table)


@pytest.fixture
def add(monkeypatch):
    """Registers a format for one test."""
    monkeypatch.setattr(WORDS, "_members", dict(WORDS))

    def registered(format, word="table"):
        def member():
            """A format of a test."""
            return format

        WORDS.register(member, word)

    return registered


def linear(shape, classes):
    """A model of one Dense layer with random weights."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input(shape)
    flat = keras.layers.Rescaling(1 / 255)(keras.layers.Flatten()(pixels))
    return keras.Model(pixels, keras.layers.Dense(classes)(flat))


@pytest.fixture
def run(tmp_path):
    """A run that was never trained, of one Dense layer."""
    model = linear((28, 28), 10)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    with runs.create(tmp_path / "r", "bn_mlp", recipe("bn_mlp").config, {}) as made:
        made.save_model(model)
    return runs.open_run(tmp_path / "r")


def test_a_format_of_ones_own_is_written_proved_and_replaced(add, run, tmp_path):
    add(TABLE)
    found = fashion_zoo.export(run, tmp_path / "to", "table")
    assert found == json.loads((tmp_path / "to" / "parity.json").read_text())
    assert (found["format"], found["images"], found["same_class"]) == ("table", 10_000, 1)
    assert found["largest_probability_difference"] <= found["tolerance"] == 1e-5
    assert {file.name for file in (tmp_path / "to").iterdir()} == {"model.npz", "parity.json"}
    with pytest.raises(RunError, match="holds an export already"):
        fashion_zoo.export(run, tmp_path / "to", "table")
    (tmp_path / "to" / "model.npz").unlink()
    with pytest.raises(RunError, match="is there already and is not an export"):
        fashion_zoo.export(run, tmp_path / "to", "table", force=True)


def test_the_command_writes_and_reports(add, run, tmp_path, capsys):
    add(TABLE)
    argv = [str(run.path), "--to", str(tmp_path / "to"), "--format", "table"]
    assert export.main([*argv, "--json"]) == 0
    stored = json.loads((tmp_path / "to" / "parity.json").read_text())
    assert json.loads(capsys.readouterr().out) == stored
    assert export.main(argv) == 5
    assert "holds an export already" in capsys.readouterr().err


def broken(model, names, shape, folder):
    raise KeyError("Sigmoid")


def poisoned(model, names, shape, folder):
    kernel, bias = model.get_weights()
    model.set_weights([kernel * 1.01, bias])
    write_table(model, names, shape, folder)
    model.set_weights([kernel, bias])


def swapped(model, names, *rest):
    write_table(model, names[::-1], *rest)


def serve_with_keras(folder: str):
    import keras

    return keras


@pytest.mark.parametrize(
    ("changes", "to", "kind", "message"),
    [
        ({"modules": ("no_such", "json"), "extra": "some"}, "to", ExportError,
         r"An export as table needs no_such, which is not installed.*\.\[some\]"),
        ({"backends": ("jax", "torch")}, "to", ExportError,
         "table needs the jax or torch backend, this is tensorflow.*KERAS_BACKEND=jax"),
        ({}, "model.npz", ConfigError, r"in which model\.npz will be; .* named like a file"),
        ({"write": broken}, "to", ExportError, "cannot be written as table: 'Sigmoid'"),
        ({"write": lambda *_: None}, "to", ExportError, "cannot be loaded in a fresh process"),
        ({"serve": serve_with_keras}, "to", ExportError, "(?s)fresh process: .*import of keras"),
        ({"write": poisoned}, "to", ExportError,
         r"does not agree with its model: probabilities differ by up to .*\(tolerance 1e-05\)"),
        ({"write": swapped}, "to", ExportError,
         r"100\.00 % of the classes and 0\.00 % of their names"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_export_is_said_and_nothing_is_written(
    changes, to, kind, message, add, run, tmp_path
):
    add(dataclasses.replace(TABLE, **changes))
    with pytest.raises(kind, match=message):
        export_run(run, tmp_path / to, "table")
    assert [file.name for file in tmp_path.iterdir() if file.is_dir()] == ["r"]


def test_an_unknown_format_is_answered_with_the_nearest(run, tmp_path):
    with pytest.raises(ConfigError, match=r"Unknown export format 'onx'\. Did you mean 'onnx'"):
        export_run(run, tmp_path / "to", "onx")


def test_every_format_has_a_row_and_an_extra_of_its_own():
    page = (ROOT / "docs" / "commands" / "export.md").read_text(encoding="utf-8")
    extras = (ROOT / "setup.py").read_text(encoding="utf-8")
    for word in WORDS:
        assert f"\n| `{word}` |" in page
        assert WORDS.parse(word).extra in ("", word)
        assert word == "saved_model" or f'"{word}": [' in extras


def installed(word):
    """The format, or a skip where its extra is not there."""
    format = WORDS.parse(word)
    for module in format.modules:
        pytest.importorskip(module)
    return format


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def trained_a_little(request):
    """A recipe's float32 form after 100 steps."""
    name, precision = request.param
    model = fashion_zoo.get(name, precision=precision)
    train = load().read("train")
    model.fit(train.images[:5000], train.labels[:5000], batch_size=100, epochs=2, verbose=0)
    return exports.in_float32(model)


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
def test_every_recipe_is_proved_in_every_format(word, trained_a_little, tmp_path):
    format, model, data = installed(word), trained_a_little, load()
    format.write(model, data.class_names, data.image_shape, tmp_path)
    found = exports.prove(format, tmp_path, model, data.class_names, data.test.images)
    assert (found["images"], found["same_class"]) == (10_000, 1)


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
def test_other_shapes_and_names_of_any_language_travel_in_every_format(word, tmp_path):
    format, names = installed(word), ("Füße", "靴", "a b")
    images = np.random.default_rng(1).integers(0, 256, (300, 8, 6), dtype=np.uint8)
    model = linear((8, 6), len(names))
    format.write(model, names, (8, 6), tmp_path)
    assert exports.prove(format, tmp_path, model, names, images)["images"] == 300
    with pytest.raises(ExportError, match="does not agree"):
        exports.prove(format, tmp_path, model, names[::-1], images)


@pytest.mark.slow
def test_what_litert_writes_is_compiled_and_names_its_classes(tmp_path):
    installed("litert").write(linear((8, 6), 3), ("a", "b", "c"), (8, 6), tmp_path)
    from ai_edge_litert.compiled_model import CompiledModel

    model = CompiledModel.from_file(str(tmp_path / "model.tflite"))
    asked, answered = model.create_input_buffers(0), model.create_output_buffers(0)
    asked[0].write(np.full((1, 8, 6), 200, np.uint8))
    model.run_by_index(0, asked, answered)
    index, probabilities = answered[0].read(1, np.int32), answered[1].read(3, np.float32)
    assert index[0] == probabilities.argmax()
    shutil.unpack_archive(tmp_path / "model.tflite", tmp_path, "zip")
    assert (tmp_path / "labels.txt").read_text() == "a\nb\nc"
