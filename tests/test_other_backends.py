"""With KERAS_BACKEND=jax or torch and no tensorflow: whole runs, resumed ones, and searches."""

import ast
import importlib.util
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from fitting import Capture, Silent
from guide import cells
from resuming import OPTIONS, assert_same, stopped, train
from rounding import SUMS
from test_own_data import three_classes

import fashion_zoo
from fashion_zoo import ConfigError, ExportError, override, recipe
from fashion_zoo.data import class_counts, load, long_tail
from fashion_zoo.training.fit import build_model, fit
from fashion_zoo.training.plan import plan

BACKEND = keras.backend.backend()
STORED = Path(__file__).parent / "data" / "jax_trained.npz"


def test_this_environment_has_another_backend_and_no_tensorflow():
    assert BACKEND in ("jax", "torch")
    assert importlib.util.find_spec("tensorflow") is None


@pytest.mark.parametrize("row", cells(12), ids=lambda row: row[0].strip("`"))
def test_the_arguments_of_pytorch_are_those_of_the_guide(row):
    """A name alone is an argument without a default."""
    torch = pytest.importorskip("torch")
    call = ast.parse(row[0].strip("`"), mode="eval").body
    optim, nn = torch.optim, torch.nn
    places = (nn, optim, optim.lr_scheduler, nn.utils, nn.init)
    found = next(getattr(one, call.func.id) for one in places if hasattr(one, call.func.id))
    parameters = inspect.signature(found).parameters
    given = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
    assert {name: parameters[name].default for name in given} == given
    assert {parameters[one.id].default for one in call.args} <= {inspect.Parameter.empty}


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


AVERAGED = {
    "averaging": "ema(0.9)",
    "plateau": {"monitor": "accuracy", "patience": 1, "factor": 0.5, "min_delta": 1.0},
    "schedules": {**OPTIONS["training"]["schedules"], "learning_rate": "constant"},
}


def test_a_training_that_was_killed_goes_on_to_the_same_run(tmp_path, monkeypatch):
    """So does one of the same seed: its first epochs are trained twice, too."""
    options = {**OPTIONS, "training": {**OPTIONS["training"], **AVERAGED}}
    whole = train(tmp_path / "whole", **options)
    stopped(tmp_path / "r", 2, monkeypatch, **options)
    assert_same(train(tmp_path / "r", resume=True), whole)
    history = whole.history()
    rates = np.array(history["learning_rate"]) / whole.config.training.learning_rate
    assert rates.tolist() == pytest.approx([1, 1, 0.5])
    assert "averaged_val_accuracy" in history
    assert history["weight_decay"][-1] == 0
    assert history["label_smoothing"][-1] == pytest.approx(0, abs=1e-7)


def test_the_stored_file_that_tensorflow_reads_computes_the_same_here(images):
    stored = np.load(STORED)
    model = keras.saving.load_model(STORED.with_suffix(".keras"))
    logits = keras.ops.convert_to_numpy(model(images.images[:20]))
    assert np.abs(logits - stored["logits"]).max() < SUMS


@pytest.mark.slow
# Keras's confusion matrix asks jax for int64.
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")
@pytest.mark.parametrize(
    "settings",
    [{"loss": "logit_adjusted", "metrics": ["worst_recall"]}, {"class_weight": "effective(0.9)"}],
    ids=str,
)
def test_a_loss_of_the_training_leaves_validation_its_own(settings):
    data = long_tail(load(three_classes()), 4)
    model = {"hidden_units": (8,), "num_classes": 3, "input_shape": (8, 8)}
    training = {"epochs": 1, "batch_size": 8, **settings}
    config = override(recipe("bn_mlp").config, {"model": model, "training": training})
    planned, capture = plan(config, class_counts(data)), Capture()
    net = build_model(recipe("bn_mlp"), config.model, planned)
    fit(net, planned, data, [capture], Silent())
    (row,) = capture.rows
    logits, labels = keras.ops.convert_to_numpy(net(data.validation.images)), data.validation.labels
    likelihoods = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert row["val_loss"] == pytest.approx(-likelihoods[np.arange(12), labels].mean(), rel=1e-4)
    assert abs(row["loss"] - row["val_loss"]) > 1e-3
    assert ("val_worst_recall" in row) == ("metrics" in settings)


@pytest.mark.slow
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
