"""The cost of a search beside its trainings: ``python -m recipes.benchmark.cost SETTINGS``."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from fashion_zoo.tuning import OBJECTIVE, Study, StudyOracle, StudyTuner, be_quiet, hypermodel

_SPACE = {
    "depth": "whole(1, 2)",
    "units": "choice(8, 16)",
    "augmentation": "'none'",
    "mixing": "'none'",
    "batch_size": "128",
}
_CHANGES: Mapping[str, Any] = {"data": {"limit": 200}, "training": {"epochs": 1}}


def overhead(trials: int, reports: int) -> dict[str, float]:
    """Return the mean milliseconds per trial in the oracle, of all trials and of the last fifth.

    Trials are arithmetic with twelve hyperparameters: TPE, ASHA after every report, SQLite. The
    pruner is asked, but stops none, so that each has all its reports.
    """
    times = []
    be_quiet()
    with tempfile.TemporaryDirectory() as folder:
        study = Study(f"sqlite:///{folder}/study.db", "s", fingerprint={}, trials=trials)
        oracle = StudyOracle(study, OBJECTIVE, epochs=reports)
        oracle.hyperparameters = _twelve()
        for _ in range(trials):
            before = oracle.spent
            trial = oracle.create_trial("me")
            worth = _worth(trial.hyperparameters.values)
            for step in range(reports):
                reached = {OBJECTIVE: worth * (step + 1) / reports}
                oracle.update_trial(trial.trial_id, reached, step)
            trial.status = TrialStatus.COMPLETED
            oracle.end_trial(trial)
            times.append(1000 * (oracle.spent - before))
        study.close()
    last = times[-max(trials // 5, 1) :]
    return {"mean": sum(times) / trials, "last": sum(last) / len(last)}


def _twelve() -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for number in range(6):
        space.Float(f"float_{number}", -1.0, 1.0)
    for number in range(2):
        space.Float(f"log_{number}", 1e-4, 1.0, sampling="log")
        space.Int(f"whole_{number}", 1, 9)
        space.Choice(f"word_{number}", ["a", "b", "c"])
    return space


def _worth(values: Mapping[str, Any]) -> float:
    floats = [value for name, value in values.items() if name.startswith("float")]
    return 1 - sum(value**2 for value in floats) / len(floats)


def memory(trials: int, early: int) -> dict[str, float]:
    """Return the resident MiB after trial ``early`` and after the last, on Linux; a tiny model."""
    held: list[float] = []
    be_quiet()
    with tempfile.TemporaryDirectory() as folder:
        study = Study(f"sqlite:///{folder}/study.db", "s", fingerprint={}, trials=trials)
        oracle = StudyOracle(study, OBJECTIVE, epochs=1)
        tuner = StudyTuner(oracle, hypermodel("bn_mlp", space=_SPACE, **_CHANGES), folder)
        tuner.display.say = lambda line: held.append(_resident())  # type: ignore[method-assign]
        tuner.search()
        study.close()
    return {"early": held[early - 1], "late": held[-1]}


def _resident() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    if settings["part"] == "overhead":
        print(json.dumps(overhead(settings["trials"], settings["reports"])))
    else:
        print(json.dumps(memory(settings["trials"], settings["early"])))
