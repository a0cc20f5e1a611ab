"""Normalizations, activations and optimizers from a file of the user's, and nothing else."""

import json
import subprocess
import sys

import pytest

WORDS = '''
import fashion_zoo
from fashion_zoo.activations import Activation, keras_layer
from fashion_zoo.normalizations import Normalization

@fashion_zoo.activations.WORDS.register
def capped(top: float = 1.0) -> Activation:
    """Cut at 0 and at ``top``."""
    return Activation("capped", keras_layer("ReLU", max_value=top))

@fashion_zoo.normalizations.WORDS.register
def unit() -> Normalization:
    """Each image divided by its length."""
    return Normalization("unit", keras_layer("UnitNormalization"))

@fashion_zoo.optimizers.WORDS.register
def plain(momentum: float = 0.5) -> fashion_zoo.optimizers.Optimizer:
    """Gradient descent."""
    def make(**given):
        import keras
        return keras.optimizers.SGD(momentum=momentum, **given)
    return fashion_zoo.optimizers.Optimizer(make)
'''
MODEL = ["--model.hidden-units", "8", "--model.activation", "capped(2)"]
MODEL += ["--model.normalization", "unit", "--training.optimizer", "lookahead(plain(0.3))"]


def run(tmp_path, *calls):
    """Return what the calls of commands print, each with ``--import`` of the file, in one process.

    A fresh one, because words stay registered.
    """
    (tmp_path / "own.py").write_text(WORDS)
    code = (
        "import sys, json\nfrom recipes.__main__ import main\n"
        "for call in json.loads(sys.argv[1]):\n"
        "    assert main([*call, '--import', 'own.py']) == 0"
    )
    command = [sys.executable, "-P", "-c", code, json.dumps(calls)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_words_stand_in_the_help(tmp_path):
    printed = run(tmp_path, ["train", "bn_mlp", "--help-all"])
    lines = " ".join(printed.replace("│", " ").split())
    assert ", elu, capped." in lines
    assert ", instance, unit." in lines
    assert ", nadam, plain, radam, " in lines


@pytest.mark.slow
def test_own_words_work_in_a_training_and_in_a_search(tmp_path):
    short = ["--training.epochs", "1", "--data.limit", "400", "--training.batch-size", "100"]
    run_dir = str(tmp_path / "run")
    search = ["--trials", "2", "--candidates", "0", "--epochs", "1", "--data.limit", "400"]
    search += ["--space.activation", "choice('capped(2)', 'capped(3)')"]
    search += ["--space.normalization", "'unit'", "--space.batch-size", "100"]
    search += ["--space.optimizer", "choice('plain', 'plain(0.3)')"]
    printed = run(
        tmp_path,
        ["train", "bn_mlp", *MODEL, *short, "--run-dir", run_dir],
        ["tune", "bn_mlp", *search],
    )
    assert "same class on 100.00 %" in printed
    config = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    model = config["model"]
    assert (model["activation"], model["normalization"]) == ("capped(2)", "unit")
    assert config["training"]["optimizer"] == "lookahead(plain(0.3))"
    assert "model_needs" not in json.loads((tmp_path / "run" / "training.json").read_text())
    code = "import keras, sys; model = keras.models.load_model(sys.argv[1]); "
    code += "print(*[layer.name for layer in model.layers])"
    file = str(tmp_path / "run" / "model.keras")
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code, file], capture_output=True, text=True, check=True
    )
    assert "unit_norm_1 capped_1" in loaded.stdout
