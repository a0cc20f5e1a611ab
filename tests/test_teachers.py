"""Recipes that only teach: what holds of every recipe, and that no list knows them."""

import dataclasses
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, experiments, registry
from fashion_zoo.experiments import Arm, Experiment, columns, training
from recipes import distill

MODULE = Path(__file__).parent.parent / "recipes" / "teachers" / "convolutional.py"
SMALL = {"filters": (4, 8), "depth": 1}
BRIEF = {"epochs": 1, "batch_size": 50, "augmentation": "none"}


@pytest.fixture
def conv(monkeypatch):
    """The module, whose recipe is forgotten after the test."""
    fashion_zoo.list_recipes()
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    return fashion_zoo.load_recipes(MODULE)


def test_a_teacher_is_known_only_where_its_module_is_imported():
    code = (
        "import fashion_zoo; before = fashion_zoo.list_recipes()\n"
        "fashion_zoo.load_recipes('recipes.teachers.convolutional')\n"
        "print(*set(fashion_zoo.list_recipes()) - set(before))\n"
        "import sys; print({'keras', 'tensorflow', 'jax'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True,
        cwd=MODULE.parents[2],
    )  # fmt: skip
    assert done.stdout.splitlines() == ["conv_teacher", "set()"]


def test_where_a_recipe_is_loaded_from_is_known(conv):
    assert registry.source_of(fashion_zoo.recipe("conv_teacher")) == "convolutional.py"
    own = dataclasses.replace(fashion_zoo.recipe("conv_teacher"), builder=lambda: None)
    own.builder.__module__ = "recipes.teachers.convolutional"
    assert registry.source_of(own) == "recipes.teachers.convolutional"
    assert registry.source_of(fashion_zoo.recipe("bn_mlp.quick")) is None


def test_the_stated_parameters_are_the_trainable_ones(conv):
    model = fashion_zoo.get("conv_teacher")
    counted = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert counted == fashion_zoo.recipe("conv_teacher").parameters
    assert len({layer.name for layer in model.layers}) == len(model.layers)


@pytest.mark.parametrize(("shape", "maps"), [((28, 28), (28, 28, 1)), ((8, 12, 3), (8, 12, 3))])
def test_raw_pixels_in_and_float32_logits_out(conv, images, shape, maps):
    model = fashion_zoo.get("conv_teacher", input_shape=shape, precision="mixed_bfloat16", **SMALL)
    pixels = np.resize(images.images, (20, *shape))
    logits = model(pixels, training=False)
    assert (model.inputs[0].dtype, keras.backend.standardize_dtype(logits.dtype)) == (
        "float32", "float32",
    )  # fmt: skip
    assert logits.shape == (20, 10)
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()
    scaled = keras.Model(model.inputs[0], model.get_layer("maps").output)(pixels)
    expected = np.reshape(pixels, (20, *maps)) / 255
    assert keras.ops.convert_to_numpy(keras.ops.cast(scaled, "float32")) == pytest.approx(
        expected, abs=2**-8
    )


def test_a_convolution_counts_at_each_place_in_the_steps_of_an_execution(conv, monkeypatch):
    asked = []
    estimate = "fashion_zoo.training.fit.steps_of_about_a_second"
    monkeypatch.setattr(estimate, lambda parameters, *_: asked.append(parameters) or 1)
    small, usual = fashion_zoo.get("conv_teacher", **SMALL), fashion_zoo.get("bn_mlp")
    # 4 filters of 9 weights at 28x28 places, and 8 of 36 at 14x14
    again = 36 * (784 - 1) + 288 * (196 - 1)
    assert asked == [small.count_params() + again, usual.count_params()]


def test_every_weight_learns_and_a_seed_repeats(conv, images):
    model = fashion_zoo.get("conv_teacher", precision="float32", **SMALL)
    again = fashion_zoo.get("conv_teacher", precision="float32", **SMALL)
    assert all(map(np.array_equal, model.get_weights(), again.get_weights()))
    model.train_on_batch(images.images, images.labels)
    for old, weight in zip(again.trainable_weights, model.trainable_weights, strict=True):
        assert not np.array_equal(*map(keras.ops.convert_to_numpy, (old, weight))), weight.path


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": ()}, r"filters must hold at least one number .* received \(\) and \(28, 28\)"),
        ({"input_shape": (784,)}, r"input_shape two or three, received \(32, 64, 128\) and \(784,"),
        ({"input_shape": (2, 28)}, r"3 stages need images of at least 4x4, received input_shape="),
        ({"filters": (8, 0)}, "filters must be a whole number of at least 1, received 0"),
    ],
)
def test_an_architecture_that_cannot_be_built_is_one_sentence(conv, settings, message):
    with pytest.raises(ConfigError, match=message):
        conv.ConvConfig(**settings)


def test_an_experiment_imports_recipes_of_its_arms_where_these_are_trained(tmp_path, monkeypatch):
    fashion_zoo.list_recipes()
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    monkeypatch.setattr(training, "_row", lambda *_: {"validation_accuracy": 0.5})
    own = Experiment("x", "?", [Arm("own", "conv_teacher")], [columns.name("arm")], note="")
    with pytest.raises(ConfigError, match="Unknown recipe 'conv_teacher'"):
        experiments.run(own, seeds=2, folder=tmp_path)
    importing = dataclasses.replace(own, imports=[str(MODULE)])
    assert "| `own` |" in experiments.run(importing, seeds=2, folder=tmp_path)
    del registry._recipes["conv_teacher"]
    assert "| `own` |" in experiments.run(importing, folder=tmp_path, measure=False)
    assert "conv_teacher" not in fashion_zoo.list_recipes()


@pytest.mark.slow
def test_a_run_of_it_teaches_where_it_is_imported_and_its_model_needs_nothing(
    conv, tmp_path, capsys, monkeypatch
):
    options = {"model": SMALL, "data": {"limit": 420}, "training": BRIEF}
    trained = fashion_zoo.train(
        "conv_teacher", run_dir=tmp_path / "conv", evaluate=False, export=False, **options
    )
    with zipfile.ZipFile(trained.run.model_file) as archive:
        stored = json.loads(archive.read("config.json"))
    assert "fashion_zoo" not in json.dumps(stored), "Keras's own classes only"
    words = "--model.hidden-units 8 --epochs 1 --data.limit 420 --batch-size 50 --no-evaluate"
    line = [str(tmp_path / "conv"), "bn_mlp", *words.split(), "--no-export"]
    student = ["--run-dir", str(tmp_path / "student")]
    assert distill.main([*line, *student, "--import", str(MODULE)]) == 0
    taught = fashion_zoo.open_run(tmp_path / "student").config.training.distillation
    assert taught.teacher == str(tmp_path / "conv")
    monkeypatch.delitem(registry._recipes, "conv_teacher")
    capsys.readouterr()
    assert distill.main([*line, "--run-dir", str(tmp_path / "other")]) == 5
    said = capsys.readouterr().err
    assert "Unknown recipe 'conv_teacher'" in said
    assert "load its file first, with --import" in said
    assert "Traceback" not in said
