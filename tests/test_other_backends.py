"""With KERAS_BACKEND=jax or torch and no tensorflow: whole runs, resumed ones, and searches."""

import importlib.util
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from resuming import OPTIONS, assert_same, stopped, train
from rounding import SUMS

import fashion_zoo
from fashion_zoo import ConfigError, ExportError

BACKEND = keras.backend.backend()
STORED = Path(__file__).parent / "data" / "jax_trained.npz"


def test_this_environment_has_another_backend_and_no_tensorflow():
    assert BACKEND in ("jax", "torch")
    assert importlib.util.find_spec("tensorflow") is None


def test_a_whole_run_trains_and_evaluates_and_says_why_it_cannot_export(tmp_path, small):
    trained = fashion_zoo.train(
        "adaptive_dropout_mlp", run_dir=tmp_path / "r", export=False, **small
    )
    assert trained.evaluation["images"] == 10_000
    history = trained.run.history()
    assert history["dropout_1_rate"] == pytest.approx([0.3, 0.15])
    assert history["learning_rate"][-1] == pytest.approx(3e-3 / 250_000)
    assert trained.run.read_json("environment.json")["backend"] == BACKEND
    with pytest.raises(ExportError, match=f"needs the tensorflow backend, this is {BACKEND}"):
        fashion_zoo.export(tmp_path / "r", tmp_path / "to")


def test_a_training_that_was_killed_goes_on_to_the_same_run(tmp_path, monkeypatch):
    """So does one of the same seed: its first epochs are trained twice, too."""
    whole = train(tmp_path / "whole", **OPTIONS)
    stopped(tmp_path / "r", 2, monkeypatch, **OPTIONS)
    assert_same(train(tmp_path / "r", resume=True), whole)
    history = whole.history()
    assert history["weight_decay"][-1] == 0
    assert history["label_smoothing"][-1] == pytest.approx(0, abs=1e-7)


def test_the_stored_file_that_tensorflow_reads_computes_the_same_here(images):
    stored = np.load(STORED)
    model = keras.saving.load_model(STORED.with_suffix(".keras"))
    logits = keras.ops.convert_to_numpy(model(images.images[:20]))
    assert np.abs(logits - stored["logits"]).max() < SUMS


def test_a_search_runs(tmp_path, small):
    space = {"depth": "1", "units": "16", "augmentation": "'none'", "mixing": "'none'"}
    options = {"trials": 2, "pruner": "none", "candidates": 0, "study_dir": tmp_path}
    found = fashion_zoo.tune("bn_mlp", space=space, **options, **small)
    assert found.counts.done == 2


def test_a_search_of_augmentations_says_at_once_that_it_cannot(tmp_path, small):
    without = """space={"augmentation": "'none'", "mixing": "'none'"}"""
    with pytest.raises(ConfigError, match=re.escape(without)):
        fashion_zoo.tune("bn_mlp", study_dir=tmp_path / "s", **small)
    assert not (tmp_path / "s").exists()
