import dataclasses
import json

import keras
import numpy as np
import pytest
from rounding import SUMS

import fashion_zoo
from fashion_zoo import DataError, ExportError, RunError, get, list_recipes, override
from fashion_zoo.data import Dataset, load
from fashion_zoo.evaluation.predict import probabilities
from fashion_zoo.exporting import export_run
from fashion_zoo.exporting.formats import serving

DATA = load()
NAMES = DATA.class_names


def test_the_export_serves_raw_images_as_names(trained, images):
    import tensorflow as tf

    model = tf.saved_model.load(str(trained.run.path / "saved_model"))
    found = model.serve(images.images[:7])
    assert found["class_index"].dtype == tf.int64
    assert found["probabilities"].shape == (7, 10)
    expected = probabilities(trained.run.load_model(), images.images[:7]).argmax(axis=1)
    names = [name.decode() for name in found["class_name"].numpy()]
    assert names == [NAMES[label] for label in expected]


def test_the_proof_covers_all_test_images(trained):
    stored = json.loads((trained.run.path / "saved_model" / "parity.json").read_text())
    assert stored == trained.parity
    assert stored["format"] == "saved_model"
    assert stored["images"] == 10_000
    assert stored["same_class"] == 1
    assert stored["largest_probability_difference"] <= stored["tolerance"] == 1e-5
    assert "trained" not in stored  # which was float32 already


def test_the_proof_reads_the_test_images_of_the_run(trained, tmp_path):
    config = override(trained.run.config, {"data": {"folder": str(tmp_path)}})
    elsewhere = dataclasses.replace(trained.run, config=config)
    with pytest.raises(DataError, match=f"{tmp_path}/t10k-images-idx3-ubyte.gz is missing"):
        export_run(elsewhere, tmp_path / "saved_model")


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_serves_what_it_predicts(name, images):
    # 16 bits may round a sum the other way in a graph that adds it up in another order.
    model = get(name, precision="float32")
    found = serving(model, NAMES, DATA.image_shape)(images.images)
    expected = probabilities(model, images.images)
    assert np.abs(found["probabilities"].numpy() - expected).max() < SUMS
    assert np.array_equal(found["class_index"], found["probabilities"].numpy().argmax(axis=1))


def test_an_export_is_replaced_only_by_force_and_other_folders_never(trained, tmp_path):
    with pytest.raises(RunError, match="holds an export already"):
        fashion_zoo.export(trained.run.path, trained.run.path / "saved_model")
    (tmp_path / "thesis.txt").touch()
    (tmp_path / "saved_model.pb").touch()  # somebody else's
    with pytest.raises(RunError, match="is there already and is not an export"):
        fashion_zoo.export(trained.run.path, tmp_path, force=True)
    assert (tmp_path / "thesis.txt").exists()


def test_another_backend_is_told_which_it_needs(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ExportError, match="needs the tensorflow backend, this is jax"):
        fashion_zoo.export(trained.run.path, tmp_path / "to")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_run_in_mixed_precision_exports_within_the_same_tolerance(precision, tmp_path, small):
    trained = fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", precision=precision, **small)
    assert trained.parity["same_class"] == 1
    assert trained.parity["tolerance"] == 1e-5
    compared = trained.parity["trained"]
    assert compared["dtype"] == precision.removeprefix("mixed_")
    assert 0 < compared["largest_probability_difference"] <= compared["tolerance"]


@pytest.mark.slow
def test_the_proof_reads_the_test_images(monkeypatch, trained, tmp_path):
    monkeypatch.setattr(Dataset, "train", property(lambda self: pytest.fail("it was read")))
    parity = fashion_zoo.export(trained.run.path, tmp_path / "to")
    assert parity["images"] == 10_000


def test_every_endpoint_refuses_what_is_not_pixels(trained, images):
    import tensorflow as tf

    model = tf.saved_model.load(str(trained.run.path / "saved_model"))
    pixels = images.images[:3]
    signatures = [model.signatures[name] for name in ("serving_default", "serve")]
    endpoints = [model.serve, *(lambda images, f=f: f(images=images) for f in signatures)]
    for serve in endpoints:
        expected = serve(tf.constant(pixels))["probabilities"]
        assert np.array_equal(serve(pixels)["probabilities"], expected)
        assert serve(pixels[:0])["probabilities"].shape == (0, 10)
        with pytest.raises(tf.errors.InvalidArgumentError, match="do not divide them by 255"):
            serve((pixels / 255).astype("uint8"))
        for scaled in (tf.constant(pixels / 255, tf.float32), (pixels / 255).tolist()):
            with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
                serve(scaled)
        # Of an array a signature sees only what TensorFlow has cast it to.
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
            serve(pixels / 255)
    with pytest.raises(ValueError, match="Could not find matching concrete function"):
        model.serve(pixels.astype("float32"))
