"""A comparison and an experiment that are killed, and begun again."""

import importlib
import signal
import subprocess
import sys

import pytest

from fashion_zoo.experiments import page
from fashion_zoo.training import session

KILLED = """
import importlib, os, signal, sys
from fashion_zoo.training import session

train, begun = session.train_run, []

def killed(*arguments, **keywords):
    begun.append(1)
    if len(begun) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return train(*arguments, **keywords)

session.train_run = killed
sys.exit(importlib.import_module(f"recipes.{sys.argv[1]}").main(sys.argv[2:]))
"""
SMALL = "bn_mlp --model.hidden-units 8 --data.limit 400 --epochs 1"
OWN = """
from fashion_zoo.experiments import Arm, Claim, Experiment, columns

def guess(seed, data):
    return {"validation_accuracy": 0.1, "test_accuracy": 0.1, "drawn": (seed + 1) / 7}

EXPERIMENT = Experiment(
    name="rates",
    question="Is a rate of 0.4 better?",
    arms=[
        Arm("guess", program=guess),
        Arm("as it is"),
        Arm("0.4", changes={"model": {"dropout": 0.4}}),
    ],
    settings={"model": {"hidden_units": (8,)}, "data": {"limit": 400}, "training": {"epochs": 1}},
    claims=[Claim("0.4", "as it is"), Claim("as it is", "guess")],
    columns=[
        columns.name("rate"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
    ],
)
"""
WORDS = {
    "compare": [SMALL, f"{SMALL} --model.dropout 0.4", "--seeds", "2"],
    "experiment": ["rates.py", "--seeds", "2"],
}


@pytest.mark.slow
@pytest.mark.parametrize("command", WORDS)
def test_what_is_killed_and_begun_again_has_the_same_table_to_the_last_digit(
    command, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rates.py").write_text(OWN)
    words, place = WORDS[command], tmp_path / "killed"
    call = [sys.executable, "-P", "-c", KILLED, command, *words, "--folder", str(place)]
    assert subprocess.run(call, capture_output=True).returncode == -signal.SIGKILL
    left = {path.name for path in place.iterdir() if path.is_dir()}
    main = importlib.import_module(f"recipes.{command}").main
    texts, trained, train = {}, [], session.train_run

    def counted(entry, config, path, **keywords):
        trained.append(path.name)
        return train(entry, config, path, **keywords)

    monkeypatch.setattr(session, "train_run", counted)
    for name in ("killed", "whole"):
        assert main([*words, "--folder", str(tmp_path / name)]) == 0
        texts[name] = capsys.readouterr().out
        assert len(trained) == {"killed": 1, "whole": 5}[name]
    assert len(left) >= 3
    assert texts["killed"] == texts["whole"]
    assert "For other test images of the same kind " in texts["whole"]
    if command == "experiment":
        rows = [page.read_rows(tmp_path / name / "rates.csv") for name in ("killed", "whole")]
        for row in (*rows[0], *rows[1]):
            row.pop("seconds", None)
            assert row.pop("took") >= 0
        assert rows[0] == rows[1]
        assert len(rows[0]) == 6
