import inspect
import re
import sys
import types

import pytest

import fashion_zoo
from fashion_zoo import ConfigError, experiments
from fashion_zoo.experiments import Arm, Experiment, columns
from fashion_zoo.show.progress import TrainingDisplay, sweeping
from fashion_zoo.show.trials import Counts, SearchDisplay
from fashion_zoo.show.waiting import is_shown
from recipes.experiments._training import Figures, sweep


class Notebook:
    """Stands for IPython in a kernel: keeps what each display shows, and how often it changed."""

    def __init__(self, monkeypatch):
        self.shown, self.pictures = [], 0
        ours = types.ModuleType("IPython")
        ours.get_ipython = lambda: types.SimpleNamespace(kernel=object())
        ours.display = types.ModuleType("IPython.display")
        ours.display.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", ours)
        monkeypatch.setitem(sys.modules, "IPython.display", ours.display)

    def display(self, data, *, raw, display_id):
        place = len(self.shown)
        self.shown.append(None)

        def update(data, *, raw):
            self.pictures += 1
            self.shown[place] = data["text/plain"]

        update(data, raw=raw)
        return types.SimpleNamespace(update=update)


@pytest.fixture
def notebook(monkeypatch):
    return Notebook(monkeypatch)


@pytest.mark.parametrize(
    ("progress", "terminal", "shown"),
    [
        (True, False, True), (False, True, False), ("auto", True, True), ("auto", False, False),
        ("auto", None, False),
    ],
)  # fmt: skip
def test_progress_is_shown_where_somebody_looks(progress, terminal, shown, monkeypatch):
    stderr = None if terminal is None else types.SimpleNamespace(isatty=lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    assert is_shown(progress) is shown


def test_progress_is_shown_in_a_notebook_by_default(notebook):
    assert is_shown("auto") is True
    assert is_shown(False) is False


def test_every_function_that_takes_time_shows_progress_by_default():
    defaults = {
        name: inspect.signature(value).parameters["progress"].default
        for name, value in ((name, getattr(fashion_zoo, name)) for name in fashion_zoo.__all__)
        if inspect.isfunction(value) and "progress" in inspect.signature(value).parameters
    }
    assert {"train", "find_lr", "tune"} <= defaults.keys()
    assert set(defaults.values()) == {"auto"}


@pytest.mark.parametrize("name", ["train", "find_lr", "tune"])
def test_another_word_for_progress_is_refused_before_anything_is_made(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ConfigError, match="takes True or False or 'auto' as progress, received 'yes'"
    ):
        getattr(fashion_zoo, name)("bn_mlp", progress="yes")
    assert not list(tmp_path.iterdir())


def test_a_training_is_one_line_of_a_notebook_that_moves(notebook, capfd):
    display = TrainingDisplay("auto")
    display.say("Going on.")
    display.start(epochs=60, steps=10)
    for epoch in range(60):
        display.advance(epoch, 5, 1e5, {"loss": 0.5})
        display.finish_epoch(epoch, 1e5, {"loss": 0.4, "val_accuracy": 0.9})
    display.stop()
    (text,) = notebook.shown
    assert notebook.pictures > 60
    assert text == (
        "Going on.\nepoch 60/60  ████████████████████  100,000 images/s  loss 0.4000  "
        "validation 90.00 %  0:00 left"
    )
    assert capfd.readouterr() == ("", "")


def tries(seed, data, display=None):
    """A program of two trainings, of which the second diverges."""
    done = Figures(0.8 + seed / 10, {}, None, None)
    tried, _ = sweep((1e-3, 1e-2), lambda rate: done if rate < 0.01 else None, display)
    return {"validation_accuracy": max(tried)}


@pytest.fixture
def trying():
    arms, shown = (
        [Arm("tried", program=tries)],
        [columns.accuracy("accuracy", "validation_accuracy")],
    )
    return Experiment("tries", "?", arms, shown, settings={"data": {"limit": 400}})


LINES = [
    "training 1 of 2: tried, seed 0", "rate 0.001: validation 80.00 %",
    "rate 0.01: the loss diverged", "tried seed 0: validation 80.00 %",
    "training 2 of 2: tried, seed 1", "rate 0.001: validation 90.00 %",
    "rate 0.01: the loss diverged", "tried seed 1: validation 90.00 %",
]  # fmt: skip


def without_time_left(text):
    return [re.sub(", about .* left", "", line) for line in text.splitlines()]


def test_the_trainings_of_a_program_are_lines_of_its_experiment(
    trying, tmp_path, capsys, no_memory_given_back
):
    experiments.run(trying, seeds=2, folder=tmp_path / "a", progress=True)
    assert without_time_left(capsys.readouterr().err) == LINES
    experiments.run(trying, seeds=2, folder=tmp_path / "b", progress=False)
    assert capsys.readouterr().err == ""
    assert tries(0, None) == {"validation_accuracy": 0.8}, "called without an experiment"


def test_in_a_notebook_they_are_in_the_output_of_the_experiment(
    trying, tmp_path, notebook, capsys, no_memory_given_back
):
    experiments.run(trying, seeds=2, folder=tmp_path)
    (text,) = notebook.shown
    assert without_time_left(text) == LINES
    assert capsys.readouterr() == ("", "")


def test_a_sweep_is_shown_in_a_notebook(notebook):
    with sweeping(200, "auto") as advance:
        for done in range(201):
            advance(done)
    assert notebook.shown == ["steps ████████████████████ 200/200"]


def test_a_search_of_many_trials_stays_short_in_a_notebook(notebook, capfd):
    with SearchDisplay("auto") as display:
        assert display.follows
        for trial in range(60):
            display.say(f"trial {trial}")
            display.update(Counts(60, trial + 1, 0, 0, 0), (trial, 0.9, {"depth": 3}))
    (text,) = notebook.shown
    lines = text.splitlines()
    assert lines[:2] == ["(48 lines before)", "trial 48"]
    assert lines[-4:] == [
        "trials     60 done, 0 running, 0 pruned, 0 failed, of 60", "time left  0:00",
        "best       90.00 % (trial 59)", "           depth=3",
    ]  # fmt: skip
    assert capfd.readouterr() == ("", "")
