"""Every public function answers a wrong argument with one sentence, not with a traceback."""

import dataclasses
import inspect
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

import fashion_zoo
from fashion_zoo import FashionZooError, registry
from fashion_zoo.language.arguments import AnyPath, described
from fashion_zoo.runs import write_config


class Begun(Exception):
    """The arguments were taken, and the expensive part would begin."""


WRONG = [None, 5, -1.5, b"x", "", [], ["x"], {"a": 1}, object(), float("nan"), np.zeros((2, 2))]
# What is given beside the wrong argument.
GIVEN = {
    "get": {"name": "bn_mlp"},
    "train": {"name": "bn_mlp", "run_dir": "new"},
    "find_lr": {"name": "bn_mlp"},
    "tune": {"name": "bn_mlp", "study_dir": "new"},
    "dashboard": {"name": "bn_mlp", "study_dir": "new"},
    "evaluate": {"run": "run"},
    "export": {"run": "run", "to": "new"},
    "predict": {"run": "run", "pictures": "a.png"},
    "plot_schedules": {"expressions": "linear", "to": "new.png"},
    "plot_augmentation": {"policy": "flip", "to": "new.png"},
    "open_run": {"path": "run"},
    "check_free": {"path": "new"},
    "read_config": {"file": "run/config.json", "name": "bn_mlp"},
    "stored_config": {"name": "bn_mlp"},
    "default_run_dir": {"name": "bn_mlp"},
    "recipe": {"name": "bn_mlp"},
    "list_recipes": {},
    "find": {},
    "load_recipes": {"source": "own.py"},
    "register": {"config": fashion_zoo.RunConfig(fashion_zoo.MLPConfig()), "parameters": 1},
    "register_variant": {"name": "bn_mlp.mine", "changes": {}, "summary": "Mine."},
    "override": {"config": fashion_zoo.RunConfig(fashion_zoo.MLPConfig()), "changes": {}},
    "words_of": {"config": fashion_zoo.TrainingConfig()},
    "cores": {},
    "when_keras_starts": {"around": print},
    "gpu_is_lost": {},
    "limit_gpu_memory": {"mebibytes": 4096},
    "unknown": {"kind": "recipe", "received": "x", "known": []},
    "read_results": {},
    "ensemble": {"runs": ["run", "other"], "to": "new"},
    "train_ensemble": {"name": "bn_mlp", "method": "seeds", "to": "new"},
    "compare": {"arms": ["bn_mlp", "baseline_mlp"], "folder": "new"},
    "publish": {"run": "run", "name": "mine", "to": "new"},
    "audit": {"to": "new"}, "inspect": {"run": "run", "to": "new"},
}  # fmt: skip
# These are asked for words and text that are only shown.
SHOWN_ONLY = {"unknown"}
CASES = [
    (name, parameter.name)
    for name in fashion_zoo.__all__
    if inspect.isfunction(getattr(fashion_zoo, name)) and name not in SHOWN_ONLY
    for parameter in inspect.signature(getattr(fashion_zoo, name)).parameters.values()
    if parameter.kind is not parameter.VAR_KEYWORD
]
CASES += [("tune", field.name) for field in dataclasses.fields(fashion_zoo.SearchConfig)]


@pytest.fixture(scope="module")
def place(tmp_path_factory, trained):
    folder = tmp_path_factory.mktemp("misuse")
    for name in ("run", "other"):
        shutil.copytree(trained.run.path, folder / name)
    (folder / "own.py").write_text("")
    (folder / "page.md").write_text("")
    return folder


def begun(*_, **__):
    raise Begun


@pytest.fixture
def cheap(place, monkeypatch):
    """Stand in the folder, and stop where the expensive part would begin."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    monkeypatch.setattr("fashion_zoo.machine.devices.gc.collect", lambda: None)  # a thousand calls
    for target in (
        "fashion_zoo.training.session.train_run", "fashion_zoo.training.lr_finder._sweep",
        "fashion_zoo.tuning.Study", "fashion_zoo.tuning.serve",
        "fashion_zoo.evaluation.report.evaluate_run", "fashion_zoo.exporting.export_run",
        "fashion_zoo.runs.Run.load_model", "fashion_zoo.show.figures.save",
        "fashion_zoo.training.fit.build_model",
        "fashion_zoo.data.sources.fashion_mnist._read",
    ):  # fmt: skip
        monkeypatch.setattr(target, begun)


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_a_wrong_argument_is_answered_in_a_sentence(name, parameter, cheap):
    for wrong in WRONG:
        assert len(answer(name, {**GIVEN[name], parameter: wrong})) < 400


def answer(name, given):
    try:
        getattr(fashion_zoo, name)(**given)
    except (FashionZooError, Begun) as error:
        return str(error)
    return ""


def test_a_run_is_taken_wherever_its_path_is(place, trained, monkeypatch):
    monkeypatch.chdir(place)
    run = fashion_zoo.open_run("run")
    for one in ("run", place / "run", run, trained._replace(run=run)):
        assert fashion_zoo.open_run(one).config == run.config
        assert fashion_zoo.stored_config("bn_mlp", fork=one) == run.config
        with pytest.raises(fashion_zoo.RunError, match="run holds a run already"):
            fashion_zoo.train("bn_mlp", run_dir=one)


def test_one_or_several_are_taken(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr("fashion_zoo.evaluation.report.evaluate_run", lambda run, *_: run.path.name)
    assert fashion_zoo.evaluate("run") == "run"
    assert fashion_zoo.evaluate(["run", fashion_zoo.open_run("run")]) == ["run", "run"]
    monkeypatch.setattr("fashion_zoo.runs.Run.load_model", lambda run: None)
    monkeypatch.setattr(
        "fashion_zoo.evaluation.predict.probabilities", lambda _, images: np.eye(10)[: len(images)]
    )
    Image.new("L", (28, 28)).save("a.png")
    pixels = np.arange(784, dtype=np.uint8).reshape(28, 28)
    for pictures, names in (
        ("a.png", ["a.png"]), (Path("a.png"), ["a.png"]), (pixels, ["image 0"]),
        ([pixels, "a.png", np.stack([pixels, pixels])], ["image 0", "a.png", "image 2", "image 3"]),
    ):  # fmt: skip
        assert [one.picture for one in fashion_zoo.predict("run", pictures, top=1)] == names
    drawn = []
    monkeypatch.setattr("fashion_zoo.show.plots.schedules", lambda *args, **_: drawn.append(args))
    monkeypatch.setattr("fashion_zoo.show.figures.shown", lambda make, to: make())
    fashion_zoo.plot_schedules("one_cycle", "new.png")
    assert list(drawn[0][0]) == ["one_cycle"]


def test_a_model_is_evaluated_and_predicts(trained):
    model = trained.run.load_model()
    assert fashion_zoo.evaluate(model)["accuracy"] == trained.evaluation["accuracy"]
    pixels = np.arange(784, dtype=np.uint8).reshape(28, 28)
    assert fashion_zoo.predict(model, pixels) == fashion_zoo.predict(trained.run, [pixels])


@pytest.mark.parametrize("use", ["evaluate", "predict"])
def test_a_model_of_others_is_refused_in_a_sentence(use):
    import keras

    pixels = keras.Input((28, 28))
    logits = keras.layers.Dense(10)(keras.layers.Flatten()(pixels))
    arguments = [np.zeros((28, 28), np.uint8)] if use == "predict" else []
    for model, said in (
        (keras.Sequential([keras.layers.Flatten()]), "whose shapes are known, received"),
        (keras.Model(pixels, keras.layers.Dense(12)(logits)), r"of shape \(None, 12\)"),
        (keras.Model(pixels, [logits, logits]), r"received one with outputs of shape \["),
    ):
        with pytest.raises(fashion_zoo.ConfigError, match=f"{use} takes a model .*{said}"):
            getattr(fashion_zoo, use)(model, *arguments)


def test_numbers_of_numpy_are_taken(tmp_path):
    config = fashion_zoo.override(
        fashion_zoo.recipe("bn_mlp").config,
        {
            "seed": np.int64(3),
            "training": {"epochs": np.uint8(2), "learning_rate": np.float32(0.5)},
        },
    )
    write_config(tmp_path / "config.json", "bn_mlp", config)
    stored = fashion_zoo.read_config(tmp_path / "config.json", "bn_mlp")
    assert (stored.seed, stored.training.epochs, stored.training.learning_rate) == (3, 2, 0.5)


def test_words_for_people_name_what_is_taken():
    path, number = AnyPath | None, Sequence[int]
    assert described(path) == "a path or None"
    assert described(number) == "a list of whole numbers"
    assert described(Literal["a", "b"] | None) == "'a' or 'b' or None"
    with pytest.raises(
        fashion_zoo.ConfigError, match=r"open_run takes a path as path, received 5\."
    ):
        fashion_zoo.open_run(5)
    with pytest.raises(
        fashion_zoo.ConfigError, match=r"Unknown sampler 'tep'\. Did you mean 'tpe'"
    ):
        fashion_zoo.tune("bn_mlp", sampler="tep")
    for function, arguments in ((fashion_zoo.evaluate, [5]), (fashion_zoo.predict, [5, "a.png"])):
        wanted = rf"{function.__name__} takes a run, its folder or a model.*, received 5\."
        with pytest.raises(fashion_zoo.ConfigError, match=wanted):
            function(*arguments)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'path'"):
        fashion_zoo.open_run()
