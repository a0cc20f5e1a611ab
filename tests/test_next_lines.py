"""Every command that a command proposes, run as it is printed, from a recipe of one's own too."""

import importlib
import shlex
from pathlib import Path

import pytest

import fashion_zoo
from fashion_zoo import registry
from fashion_zoo.evaluation.report import Evaluation
from fashion_zoo.runs import Trained, write_config
from fashion_zoo.show.trials import Counts
from fashion_zoo.training.lr_finder import RangeTest, Suggestion
from fashion_zoo.tuning import Tuned
from recipes import _common, _workers, find_lr, train, tune

TUNED = str(Path(__file__).parents[1] / "docs/tuned.md")
OWN = """
import fashion_zoo
from fashion_zoo import MLPConfig, RunConfig, register

@register(RunConfig(model=MLPConfig(hidden_units=(8,))), parameters=6_370)
def own_mlp(config, *, seed=0, dtype="float32"):
    '''One layer.'''
    raise NotImplementedError
"""


class Called(BaseException):
    """Carries how a function of the library was called."""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The words that import a recipe of one's own, in a folder whose name a shell takes apart."""
    monkeypatch.setattr(_common, "start_keras", lambda *_, **__: None)
    fashion_zoo.list_recipes()  # all that there are, before they are copied
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    folder = tmp_path / "my own"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("own recipes.py").write_text(OWN)
    return ["--import", "own recipes.py"]


def proposed(printed):
    """Return the words of each command that is proposed."""
    lines = [line.split(": python -m ", 1) for line in printed.splitlines()]
    return [shlex.split(words) for _, words in (line for line in lines if len(line) == 2)]


def run(words, monkeypatch):
    """Run a proposed command up to the library, in a process that knows no recipe of one's own."""
    registry._recipes.pop("own_mlp", None)

    def called(*arguments, **options):
        raise Called(arguments, options)

    module, *arguments = words
    command = module.removeprefix("recipes.")
    monkeypatch.setattr(fashion_zoo, command, called)
    with pytest.raises(Called) as caught:
        importlib.import_module(module).main(arguments)
    return command, *caught.value.args


FLAGS = [
    "--training.batch-size", "512", "--training.optimizer", "adamw",
    "--training.weight-decay", "0.0123456789", "--training.early-stopping.budget", "none",
    "--training.augmentation", "flip | shift(2)", "--training.early-stopping.monitor", "loss",
    "--model.dropout", "0.3", "0.1", "--model.hidden-units", "64", "32", "--seed", "3",
    "--training.adaptive-dropout.target", "-0.5", "--data.limit", "3000",
]  # fmt: skip


def test_find_lr_proposes_what_it_was_called_with(own, capsys, monkeypatch):
    one = Suggestion(3.14e-3, 1e-3, 1e-2)
    found = RangeTest(None, None, None, {"valley": one._replace(rate=1.0), "slide": one})
    configs = []

    def sweep(name, *, config, show, **options):
        configs.append(config)
        show(found)

    monkeypatch.setattr(fashion_zoo, "find_lr", sweep)
    assert find_lr.main(["own_mlp", "--seeds", "1", *FLAGS, *own]) == 0
    (words,) = proposed(capsys.readouterr().out)
    command, (name,), options = run(words, monkeypatch)
    assert (command, name) == ("train", "own_mlp")
    wanted = {"training": {"learning_rate": 3.1e-3}}
    assert options["config"] == fashion_zoo.override(configs[0], wanted)


@pytest.mark.parametrize(
    ("training", "evaluated", "follows"),
    [
        ({"finished": False}, False, ["train", "evaluate"]),
        ({"finished": True, "stopped_early": "why", "weights_of_epoch": 2}, False, ["evaluate"]),
        ({"finished": True, "weights_of_epoch": 2}, False, ["evaluate"]),  # of 3: patience was left
        ({"finished": True, "weights_of_epoch": 3}, True, ["predict"]),
    ],
)
def test_train_proposes_what_works_from_here(
    training, evaluated, follows, own, capsys, monkeypatch
):
    path = Path("runs", "it's mine")
    path.mkdir(parents=True)
    (path / "model.keras").touch()
    write_config(path / "config.json", "own_mlp", fashion_zoo.RunConfig(fashion_zoo.MLPConfig()))
    run_ = fashion_zoo.Run(path, "own_mlp", fashion_zoo.RunConfig(fashion_zoo.MLPConfig()))
    known = {"epochs": 3, "seconds": 1.0, "validation_accuracy": 0.5, **training}
    accuracy = Evaluation(accuracy={"value": 0.5, "low": 0.4, "high": 0.6}, images=10)
    trained = Trained(run_, known, accuracy if evaluated else None, None)

    def end(*arguments, **options):
        if not training["finished"]:
            raise fashion_zoo.TrainingInterrupted(trained)
        return trained

    monkeypatch.setattr(fashion_zoo, "train", end)
    code = train.main(["own_mlp", *own])
    assert code == (0 if training["finished"] else 130)
    printed = capsys.readouterr().out
    assert ("stopped     early: why" in printed) == ("stopped_early" in training)
    assert ("weights     of epoch 2" in printed) == (training.get("weights_of_epoch") == 2)
    assert "of epoch 3" not in printed
    found = [run(words, monkeypatch) for words in proposed(printed)]
    assert [command for command, _, _ in found] == follows
    for command, arguments, options in found:
        place = options["run_dir"] if command == "train" else arguments[0]
        assert (str(place), options.get("resume", False)) == (str(path), command == "train")


def test_tune_proposes_the_config_that_it_found(own, capsys, monkeypatch):
    best = Path("studies", "a b", "best.json").absolute()
    best.parent.mkdir(parents=True)
    write_config(best, "bn_mlp", fashion_zoo.recipe("bn_mlp").config)
    row = {
        "trial": 0, "defaults": True, "score": 0.5, "again": [0.5], "mean": 0.5, "low": None,
        "high": None, "gain": None, "gain_low": None,
    }  # fmt: skip
    found = Tuned(best.parent, Counts(1, 1, 0, 0, 0), [row], best, 0.0, 0.0)
    monkeypatch.setattr(fashion_zoo, "tune", lambda *_, **__: found)
    assert tune.main(["bn_mlp", *own]) == 0
    (words,) = proposed(capsys.readouterr().out)
    command, (name,), options = run(words, monkeypatch)
    assert (command, name) == ("train", "bn_mlp")
    assert options["config"] == fashion_zoo.recipe("bn_mlp").config


@pytest.mark.parametrize(
    ("command", "words", "interrupted"),
    [
        ("verify", ["bn_mlp", "--seeds", "2"], "fashion_zoo.experiments.verification.load"),
        (
            "ensemble",
            ["--train", "own_mlp", "--to", "an ensemble"],
            "fashion_zoo.ensembles.training.load_for",
        ),
        ("experiment", ["tiny", "--folder", "x"], "fashion_zoo.experiments.training.measure"),
        ("compare", ["bn_mlp", "own_mlp"], "fashion_zoo.experiments.comparing.outcome"),
        ("benchmark", ["tuned", "--page", TUNED], "fashion_zoo.tune"),
    ],
)
def test_ctrl_c_proposes_the_same_command_where_it_resumes(
    command, words, interrupted, own, capsys, monkeypatch
):
    def interrupt(*arguments, **options):
        error = KeyboardInterrupt()
        error.add_note("Resume with: python -m recipes.train bn_mlp --resume")  # of a part
        raise error

    monkeypatch.setattr(interrupted, interrupt)
    assert importlib.import_module(f"recipes.{command}").main([*words, *own]) == 130
    assert proposed(capsys.readouterr().err) == [[f"recipes.{command}", *words, *own]]


def test_every_worker_of_a_search_imports_what_its_command_does(own, monkeypatch):
    workers, reported = [], []
    monkeypatch.setattr(_workers, "run_together", lambda words, count: workers.append(words))

    def search(name, *, command, **options):
        reported.append(shlex.split(command))
        return Tuned(Path("s"), Counts(1, 1, 0, 0, 0), [], None, 0.0, 0.0)

    monkeypatch.setattr(fashion_zoo, "tune", search)
    assert tune.main(["own_mlp", "--workers", "2", *own]) == 0
    words = ["recipes.tune", "own_mlp", "--workers", "2", *own]
    assert workers == [[*words, "--workers", "1", "--candidates", "0"]]
    assert reported == [["python", "-m", *words]]  # what report.html names
