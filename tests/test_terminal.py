"""The terminal is never blank: what stands on it, and when the first word comes."""

import contextlib
import importlib
import io
import os
import pty
import re
import select
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from blank import run
from PIL import Image

from fashion_zoo import show
from fashion_zoo.language.wording import percent
from fashion_zoo.show.progress import Pace
from fashion_zoo.show.trials import Counts, SearchDisplay, running_trial
from fashion_zoo.tuning import tuner

waits = importlib.import_module("fashion_zoo.show.waiting")  # show.waiting is its function


@contextlib.contextmanager
def terminal(monkeypatch):
    """Make stderr a pseudo-terminal; yield what tells whether a text comes on it."""
    ours, theirs = pty.openpty()
    said = []
    with os.fdopen(theirs, "w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stderr", file)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")

        def shows(text, seconds=10):
            while text not in "".join(said):
                if not select.select([ours], [], [], seconds)[0]:
                    return False
                piece = os.read(ours, 65536).decode("utf-8", "replace")
                said.append(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", piece))
            return True

        yield shows
    os.close(ours)


def test_what_is_waited_for_is_said_at_once_and_inside_another_replaces_it(monkeypatch):
    with terminal(monkeypatch) as shows, show.waiting("Evaluating"):
        assert shows("Evaluating 0:00:00")
        with show.waiting("Loading Keras"):
            assert shows("Loading Keras 0:00:00")
        assert waits._line.tasks[0].description == "Evaluating"
    assert waits._line is None


def test_results_are_printed_while_the_line_is_away(monkeypatch):
    with terminal(monkeypatch) as shows, show.waiting("Evaluating"):
        with show.paused("Drawing"):
            assert not waits._line.live.is_started
        assert shows("Drawing 0:00:00")
    with show.paused("Drawing"):  # without a line there is nothing to take away
        pass


def test_an_error_takes_the_line_away(monkeypatch):
    with (
        terminal(monkeypatch),
        pytest.raises(ValueError, match="wrong"),
        show.waiting("Evaluating"),
    ):
        assert waits._line is not None
        raise ValueError("wrong")
    assert waits._line is None


def test_nobody_waits_without_a_terminal_or_a_wish(monkeypatch):
    with terminal(monkeypatch), show.waiting("Evaluating", progress=False):
        assert waits._line is None
    for nothing in (io.StringIO(), None):
        monkeypatch.setattr(sys, "stderr", nothing)
        with show.waiting("Evaluating"):
            assert waits._line is None


def test_a_pace_says_which_training_of_how_many_and_how_long_is_left():
    said, clock = [], iter([0, 10, 10, 10.1, 20, 30, 30, 40])
    pace = Pace(6, said.append, lambda: next(clock))
    for name in ("a seed 0", "a seed 1", "a seed 2"):  # the second one is there already
        with pace.training(name):
            pass
    pace.number += 1
    with pace.training("b seed 1"):
        pass
    assert said == [
        "training 1 of 6: a seed 0",
        "training 2 of 6: a seed 1, about 0:50 left",
        "training 3 of 6: a seed 2, about 0:40 left",
        "training 5 of 6: b seed 1, about 0:20 left",
    ]


def test_the_time_left_is_that_of_each_kind():
    """As of two arms of one search: what one has done, the other need not do again."""
    said, clock = [], iter([0, 60, 60, 60, 60, 120, 120, 120, 120, 180])
    pace = Pace(6, said.append, lambda: next(clock), kinds=2)
    for seed in range(3):
        for name in ("tuned", "defaults")[: 1 if seed == 2 else 2]:
            with pace.training(f"{name} {seed}"):
                pass
    assert said == [
        "training 1 of 6: tuned 0",
        "training 2 of 6: defaults 0, about 5:00 left",
        "training 3 of 6: tuned 1, about 2:00 left",
        "training 4 of 6: defaults 1, about 1:00 left",
        "training 5 of 6: tuned 2, about 1:00 left",
    ]


def test_a_search_shows_the_epochs_of_its_running_trial():
    search = SearchDisplay(enabled=False)
    search.update(Counts(4, 1, 1, 1, 0), (0, 0.9, {"depth": 3}))
    search.begin("trial 3")
    assert search._rows()[-1] == ("now", "trial 3: building the model")
    display = running_trial(search)
    display.start(20, 10)
    display.finish_epoch(1, 5000.0, {"loss": 0.5, "val_accuracy": 0.88})
    display.advance(2, 5, 5000.0, {"loss": 0.4})
    name, text = search._rows()[-1]
    assert name == "now"
    assert re.fullmatch(
        r"trial 3: epoch 3/20  5,000 images/s  loss 0\.4000  validation 88\.00 %  \d:\d\d left",
        text,
    )


@pytest.mark.parametrize(("pruned", "word"), [(True, "pruned, "), (False, "")])
def test_the_line_of_a_trial_says_that_it_was_pruned(pruned, word):
    history = [SimpleNamespace(value=[0.8]), SimpleNamespace(value=[0.9])]
    metrics = SimpleNamespace(exists=lambda name: True, get_history=lambda name: history)
    trial = SimpleNamespace(trial_id="3", metrics=metrics, score=0.9)
    line = tuner._line(trial, "val_accuracy", pruned)
    assert line == f"trial 3: {word}{percent(0.9)} after 2 epochs"


def test_ctrl_c_is_answered_by_the_display_before_the_training_stops():
    from fashion_zoo.callbacks import StopOnInterrupt

    said = []
    with StopOnInterrupt("Stopping.", said.append) as stop:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            stop.on_train_batch_end(0)
        assert said == ["Stopping."]


FIRST = 1.0  # seconds to the first word
SILENCE = 3.0  # the longest silence
PATIENCE = float(os.environ.get("FASHION_ZOO_PATIENCE", "1"))  # more on a busy machine


@pytest.mark.slow
def test_no_command_leaves_the_terminal_blank(tmp_path, capsys):
    """Every command on a pseudo-terminal, with the figures printed."""
    Image.fromarray(np.eye(28, dtype=np.uint8) * 200).save(tmp_path / "a.png")
    lines = [
        "list", "info bn_mlp", "train --help", "train bn_mlp --help-all", "schedules",
        "augment flip", "train bn_mlp.quick --epochs 3 --run-dir r", "evaluate r",
        "export r --to to", "predict r a.png", "find_lr bn_mlp --seeds 1",
        "tune bn_mlp.quick --trials 2 --epochs 3 --candidates 1 --seeds 1",
    ]  # fmt: skip
    slow = []
    for line in lines:
        command = [sys.executable, "-P", "-m", *f"recipes.{line}".split()]
        found = run(command, tmp_path, dict(os.environ))
        with capsys.disabled():
            print(f"{line:<66}first {found.first:5.2f} s, longest silence {found.longest:5.2f} s")
        assert found.code == 0, found.said
        if found.first > FIRST * PATIENCE or found.longest > SILENCE * PATIENCE:
            slow.append((line, found.first, found.longest, found.after))
    assert slow == []
