"""Published weights are loaded as they were measured, and never if anything about them is wrong."""

import contextlib
import dataclasses
import json
import os
import random
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
from shipping import TAUGHT, WORD, Shipped, alternating, registered, trained

import fashion_zoo
from fashion_zoo import WeightsError
from fashion_zoo.evaluation import measure
from fashion_zoo.evaluation.predict import logits_of
from fashion_zoo.layers.values import as_array
from fashion_zoo.weights import file, manifest

NAME = "tiny_mlp"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Weights of two recipes of the same shapes, and the runs. Do not write into the folder.

    Those of ``tiny_mlp`` are also there as a student has them, under a name.
    """
    folder = tmp_path_factory.mktemp("weights")
    with registered(folder):
        for name in (NAME, f"{NAME}.same"):
            run = trained(folder / f"run of {name}", name)
            fashion_zoo.publish(run, to=folder / "published")
        training = {"epochs": 3, "distillation": {"teacher": run}}
        run = trained(folder / "run of taught", training=training)
        fashion_zoo.publish(run, name="taught", to=folder / "published")
        yield folder


@pytest.fixture(params=[WORD, TAUGHT])
def shipped(request, published, tmp_path, monkeypatch):
    """A copy of the folder, which is that of the package, and what a test is about."""
    shutil.copytree(published / "published", tmp_path / "published")
    monkeypatch.setattr(manifest, "FOLDER", tmp_path / "published")
    return Shipped(tmp_path / "published", request.param)


def check(row):
    """Loaded weights reach what the manifest says, to the last image."""
    model = fashion_zoo.get(row.recipe, weights=row.weights, precision="float32")
    data = fashion_zoo.data.load(fashion_zoo.recipe(row.recipe).config.data)
    assert (row.data, row.test_data) == (data.digest, data.test_digest)
    for figures, (images, labels) in ((row.validation, data.validation), (row.test, data.test)):
        found = measure(logits_of(model, images), labels, data.class_names)
        assert found["images"] == figures.images
        assert round(found["accuracy"]["value"] * len(labels)) == figures.right
        assert found["nll"] == pytest.approx(figures.nll, abs=1e-5)
    return model


# Weights that take seconds to predict all images with.
LARGE = [row for row in manifest.read_manifest(manifest.FOLDER) if row.size > 2_000_000]


@pytest.mark.parametrize("large", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_all_weights_of_this_package_reach_what_the_manifest_says(large):
    rows = manifest.read_manifest(manifest.FOLDER)
    assert [check(row) for row in rows if (row in LARGE) == large], "there are weights to check"


@pytest.mark.parametrize("row", LARGE, ids=lambda row: f"{row.recipe} {row.weights}")
def test_large_weights_fit_their_recipe(row, images):
    model = fashion_zoo.get(row.recipe, weights=row.weights, precision="float32")
    assert (logits_of(model, images.images).argmax(axis=1) == images.labels).mean() > 0.9


def test_loaded_weights_reach_what_the_manifest_says(shipped):
    row = shipped.row()
    model = check(row)
    assert fashion_zoo.evaluate(model)["accuracy"]["value"] == row.test.accuracy > 0.3
    assert fashion_zoo.weights.list_weights().count(row) == 1
    assert row.dtype == "float16"
    assert as_array(model.get_layer("dropout_1").rate) == pytest.approx(0.2)
    assert as_array(model.optimizer.learning_rate) == pytest.approx(1e-2)


def test_the_weights_are_those_of_the_run_rounded(published, shipped):
    of = NAME if shipped.word == WORD else "taught"
    run = fashion_zoo.open_run(published / f"run of {of}")
    ours = {weight.path: as_array(weight) for weight in shipped.load().weights}
    for weight in run.load_model().weights:
        assert (ours[weight.path] == as_array(weight).astype("float16")).all()
    stored = safetensors.numpy.load(shipped.file().read_bytes())
    assert ours.keys() - stored.keys() == {"dropout_1/rate"}
    assert "batch_norm_1/moving_variance" in stored


def test_loading_executes_and_loads_nothing_before_keras(shipped, published):
    code = (
        "import sys, pathlib, fashion_zoo; from fashion_zoo.weights import manifest, starting\n"
        f"manifest.FOLDER = pathlib.Path({str(shipped.folder)!r})\n"
        f"fashion_zoo.load_recipes({str(published / 'tiny.py')!r})\n"
        f"start = starting.find_start(fashion_zoo.recipe({NAME!r}), {shipped.word!r}, 'stored')\n"
        "assert start.read()['logits/kernel'].shape == (8, 10)\n"
        "print({'keras', 'tensorflow', 'jax', 'torch', 'scipy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.slow
def test_jax_reaches_the_same_without_tensorflow(shipped, published):
    code = (
        "import sys, pathlib, fashion_zoo; from fashion_zoo.weights import manifest\n"
        f"manifest.FOLDER = pathlib.Path({str(shipped.folder)!r})\n"
        f"fashion_zoo.load_recipes({str(published / 'tiny.py')!r})\n"
        f"found = fashion_zoo.evaluate(fashion_zoo.get({NAME!r}, weights={shipped.word!r}))\n"
        "assert 'tensorflow' not in sys.modules and 'jax' in sys.modules\n"
        "print(round(found['accuracy']['value'] * found['images']), repr(found['nll']))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True, text=True, env={**os.environ, "KERAS_BACKEND": "jax"},
    )  # fmt: skip
    right, nll = done.stdout.split()
    assert int(right) == shipped.row().test.right
    assert float(nll) == pytest.approx(shipped.row().test.nll, abs=1e-5)


@alternating(100)
def test_a_flipped_bit_is_seen(shipped, number):
    stored, chance = bytearray(shipped.file().read_bytes()), random.Random(number)
    stored[chance.randrange(len(stored))] ^= 1 << chance.randrange(8)
    shipped.file().write_bytes(stored)
    shipped.refused("is damaged: its SHA-256 is not that of the manifest")
    shipped.rewrite(bytes(stored))
    with contextlib.suppress(WeightsError):  # behind the digest a bit may be another weight
        assert all(np.isfinite(as_array(weight)).all() for weight in shipped.load().weights)


@alternating(40)
def test_a_file_that_was_cut_is_seen(shipped, number):
    stored = shipped.file().read_bytes()
    stored = stored[: number * len(stored) // 40]
    shipped.file().write_bytes(stored)
    shipped.refused("is damaged: it must have [0-9,]+ bytes, and has")
    shipped.rewrite(stored)
    shipped.refused("is damaged: it is no weight file")


@pytest.mark.parametrize("name", [NAME, f"{NAME}.same"])
def test_swapped_files_are_seen_even_if_the_manifest_binds_them(shipped, name):
    word = TAUGHT if (name, shipped.word) == (NAME, WORD) else WORD
    one, other = shipped.file(), shipped.file(name, word)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    shipped.refused("is damaged")
    shipped.rewrite(second)
    shipped.refused("it is not of tiny_mlp with the settings of the manifest")


def bound(shipped, change=lambda arrays: None, **about):
    """Bind the row to a file with other arrays, or that says something else of itself."""
    row = shipped.row()
    arrays = safetensors.numpy.load((shipped.folder / row.file).read_bytes())
    change(arrays)
    shipped.rewrite(file.encode(arrays, file.about(row) | about))


def put(path, value):
    def change(arrays):
        arrays[path] = value

    return change


HALF = np.float16
BEHIND_THE_DIGEST = {
    "NaN": (put("logits/bias", np.full(10, np.nan, HALF)), "logits/bias has numbers that are not"),
    "infinite": (put("logits/bias", np.full(10, np.inf, HALF)), "logits/bias has numbers that"),
    "float32": (put("logits/bias", np.zeros(10, "float32")), "logits/bias is float32, and must be"),
    "integers": (put("logits/bias", np.zeros(10, "int8")), "logits/bias is int8, and must be"),
    "a shape": (put("logits/bias", np.zeros(11, HALF)), r"is of shape \(11,\) there, and of shape"),
    "turned": (put("logits/kernel", np.zeros((10, 8), HALF)), r"of shape \(10, 8\) there"),
    "one more": (put("logits/u", np.zeros(10, HALF)), r"logits/u is of shape \(10,\) there"),
    "a rate": (put("dropout_1/rate", np.zeros((), HALF)), r"dropout_1/rate is of shape \(\) there"),
    "one less": (lambda arrays: arrays.pop("logits/bias"), "logits/bias is missing there"),
    "none": (lambda arrays: arrays.clear(), "dense_1/kernel is missing there"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BEHIND_THE_DIGEST)
def test_what_a_digest_does_not_see_is_seen_behind_it(shipped, kind):
    change, match = BEHIND_THE_DIGEST[kind]
    bound(shipped, change)
    shipped.refused(match)


def test_a_file_says_what_it_is_of(shipped):
    bound(shipped, format=2)
    shipped.refused("has format 2; this package reads formats up to 1. Update fashion_zoo.")
    for about in ({"format": 0}, {"recipe": "bn_mlp"}, {"weights": "mnist"}, {"config": "1-a"}):
        bound(shipped, **about)
        shipped.refused("is not of tiny_mlp with the settings of the manifest")


def headed(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "stored",
    [
        b"", b"\x80\x04N.", headed(b"{"), headed({}), headed(b"[" * 9999),
        headed({"__metadata__": {"fashion_zoo": "{"}}),
        headed({"__metadata__": {"fashion_zoo": "[]"}}), struct.pack("<Q", 2**62) + b"{}",
        headed({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, bytes(2)),
        headed({"a": {"dtype": "F16", "shape": [2**40], "data_offsets": [0, 2]}}, bytes(2)),
    ],
    ids=lambda stored: repr(stored[:40]),
)  # fmt: skip
def test_what_is_no_weight_file_is_one_sentence(shipped, stored):
    shipped.rewrite(stored)
    shipped.refused("is damaged: it is ")


def test_a_missing_file_and_what_is_no_file_are_one_sentence(shipped):
    shipped.file().unlink()
    shipped.refused(r"safetensors is missing, and manifest\.json beside it names it\. Reinstall")
    os.mkfifo(shipped.file())
    shipped.refused(r"safetensors cannot be read: it is not a regular file\. Reinstall")


FIELDS = [field.name for field in dataclasses.fields(manifest.Published)]


@pytest.mark.parametrize("field", FIELDS)
def test_an_edited_row_is_seen(shipped, field):
    stored = json.loads(shipped.manifest.read_text())
    for row in stored["rows"]:
        value = row[field]
        row[field] = {**value, "right": value["right"] + 1} if isinstance(value, dict) else (
            value + 1 if isinstance(value, int) else f"{value}0"
        )  # fmt: skip
    shipped.manifest.write_text(json.dumps(stored))
    shipped.refused(r"manifest.json is damaged: the row of 'tiny_mlp0?' was edited\. Reinstall")


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"defaults": "1-0123456789ab"}, "was published when tiny_mlp had other defaults than it"),
        ({"config": "1-0123456789ab"}, "is not of tiny_mlp with the settings of the manifest"),
        ({"weights": WORD, "recipe": "tiny_mlp.same"}, "two rows of the same weights"),
        ({"size": 10**9}, "it must have 1,000,000,000 bytes"),
        ({"size": -1}, "it must have -1 bytes"),
        ({"file": "../tiny.safetensors"}, r"names '\.\./tiny\.safetensors'"),
        ({"file": ".."}, r"names '\.\.'"),
        ({"dtype": "bfloat16"}, "of 'bfloat16'"),
        ({"dtype": "float32"}, "is float16, and must be float32"),
    ],
    ids=str,
)
def test_a_signed_row_of_something_else_is_seen(shipped, fields, match):
    shipped.rewrite(**fields)
    shipped.refused(match)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "cannot be read: Expecting value"),
        ("[]", "is damaged: expected a JSON object"),
        ('{"format": 1}', "is damaged: rows must be a list"),
        ('{"format": 2, "rows": [{}]}', r"is damaged: rows\[0\]\.recipe must be a text"),
        ('{"format": 3, "lines": []}', "has format 3; this package reads formats up to 2. Update"),
        ('{"format": 0, "rows": []}', "it has another format"),
        ('{"format": "1", "rows": []}', "format must be a whole number"),
    ],
)
def test_a_manifest_that_is_none_is_one_sentence(shipped, text, match):
    shipped.manifest.write_text(text)
    shipped.refused(match)


def test_a_row_with_a_field_more_or_a_number_that_is_none_is_seen(shipped):
    text = shipped.manifest.read_text()
    for one in ('"seed": 0', '"images": 10000'):
        shipped.manifest.write_text(text.replace(one, f'{one}, "more": 1'))
        shipped.refused("was edited")
    shipped.manifest.write_text(text.replace('"seed": 0', '"seed": NaN'))
    shipped.refused("holds NaN")
