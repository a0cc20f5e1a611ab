"""Measurements of search, each in a process of its own that ``search`` starts."""

import contextlib
import functools
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import TrialStatus

import fashion_zoo
from fashion_zoo import registry
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.errors import TrainingError
from fashion_zoo.seeds import derive
from fashion_zoo.tuning import (
    OBJECTIVE,
    RecipeHyperModel,
    Study,
    StudyOracle,
    StudyTuner,
    be_quiet,
    hypermodel,
)
from fashion_zoo.tuning.sampling import ranked
from recipes._processes import mebibytes

_ENDLESS = 10_000  # trials; the time ends before


class OutOfTimeError(BaseException):
    """The time of a search is over; no handler of ordinary errors catches it."""


class Deadline(keras.callbacks.Callback):
    """Interrupt a search, and keep the objective after the last epoch of each training before."""

    def __init__(self, seconds: float):
        super().__init__()
        self.end = time.monotonic() + seconds
        self.reached: list[float] = []

    def __deepcopy__(self, memo):
        """Return itself: KerasTuner copies its callbacks for each trial."""
        return self

    def on_train_end(self, logs=None):
        """Keep the objective of the last epoch."""
        self.reached.append(logs[OBJECTIVE])

    def on_train_batch_end(self, batch, logs=None):
        """Check the time."""
        if time.monotonic() > self.end:
            raise OutOfTimeError


def contest(
    tuner: str, seed: int, seconds: float, changes: Sequence[Mapping[str, Any]], again: int
) -> dict[str, Any]:
    """Search for some seconds, and train the best trial ``again`` times with fresh seeds.

    Returns:
        trials, the number of those completed and pruned; and validation accuracies. ``score`` is
        the best of a trial after its last epoch, ``stated`` that of the best trial as the tuner
        reports it, ``searched`` the score without the recipe's defaults, the first trial of this
        package's search alone, None if every other was pruned; ``again`` is the mean of the best
        trial, trained for all epochs.
    """
    be_quiet()
    model = _model(changes, seed)
    _ = model.dataset.train  # reading the images does not count
    with tempfile.TemporaryDirectory() as folder:
        find = _ours if tuner == "fashion_zoo" else _stock
        found = find(model, tuner, seed, Deadline(seconds), folder)
    if not found["trials"]:
        raise TrainingError(f"No trial of {tuner} was completed in {seconds} seconds.")
    hp = keras_tuner.HyperParameters()
    hp.values = found.pop("values")
    reached = []
    for number in range(again):
        fresh = _model(changes, derive(seed, "again", number))
        history = fresh.fit(hp, fresh.build(hp))
        reached.append(history.history[OBJECTIVE][-1])
    return {**found, "again": statistics.mean(reached)}


def _model(changes: Sequence[Mapping[str, Any]], seed: int) -> RecipeHyperModel:
    entry = registry.recipe("bn_mlp")
    config = functools.reduce(override, [*changes, {"seed": seed}], entry.config)
    return RecipeHyperModel(entry, config, entry.space, load(config.data))


def _ours(
    model: RecipeHyperModel, tuner: str, seed: int, deadline: Deadline, folder: str
) -> dict[str, Any]:
    study = Study(f"sqlite:///{folder}/study.db", "s", fingerprint={}, trials=_ENDLESS)
    oracle = StudyOracle(
        study,
        OBJECTIVE,
        epochs=model.base.training.epochs,
        seed=seed,
        max_consecutive_failed_trials=None,
    )
    with contextlib.suppress(OutOfTimeError):
        StudyTuner(oracle, model, folder).search(callbacks=[deadline])
    oracle.return_trials()
    plans = study.plans()
    completed = ranked(plans, study)
    study.close()
    if not completed:
        return {"trials": 0}
    best = completed[0][1]
    return {
        "trials": sum(plan.outcome is not None for plan in plans),
        "score": best.values[0],
        "stated": best.values[0],
        "searched": max((trial.values[0] for index, trial in completed if index), default=None),
        "values": best.params,
    }


def _stock(
    model: RecipeHyperModel, tuner: str, seed: int, deadline: Deadline, folder: str
) -> dict[str, Any]:
    budget: dict[str, Any] = {"max_trials": _ENDLESS}
    if tuner == "Hyperband":
        epochs = model.base.training.epochs
        budget = {"max_epochs": epochs, "hyperband_iterations": _ENDLESS}
    budget |= {"objective": OBJECTIVE, "seed": seed, "directory": folder, "project_name": "p"}
    search = getattr(keras_tuner, tuner)(model, **budget)
    with contextlib.suppress(OutOfTimeError):
        search.search(callbacks=[deadline], verbose=0)
    trials = sum(one.status == TrialStatus.COMPLETED for one in search.oracle.trials.values())
    if not trials:
        return {"trials": 0}
    best, score = search.oracle.get_best_trials()[0], max(deadline.reached)
    return {
        "trials": trials,
        "score": score,
        "stated": float(best.score),
        "searched": score,
        "values": best.hyperparameters.values,
    }


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
            values = trial.hyperparameters.values
            worth = 1 - sum(values[f"float_{number}"] ** 2 for number in range(6)) / 6
            for step in range(reports):
                reached = {OBJECTIVE: worth * (step + 1) / reports}
                oracle.update_trial(trial.trial_id, reached, step)
            trial.status = TrialStatus.COMPLETED
            oracle.end_trial(trial)
            times.append(1000 * (oracle.spent - before))
        study.close()
    return {"mean": statistics.mean(times), "last": statistics.mean(times[-max(trials // 5, 1) :])}


def _twelve() -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for number in range(6):
        space.Float(f"float_{number}", -1.0, 1.0)
    for number in range(2):
        space.Float(f"log_{number}", 1e-4, 1.0, sampling="log")
        space.Int(f"whole_{number}", 1, 9)
        space.Choice(f"word_{number}", ["a", "b", "c"])
    return space


def whole(trials: int, changes: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds of a search of ``bn_mlp``, and those of them in oracle and study."""
    with tempfile.TemporaryDirectory() as folder:
        own: dict[str, Any] = {"trials": trials, "candidates": 0, "study_dir": folder}
        found = fashion_zoo.tune("bn_mlp", progress=False, **own, **changes)
    return {"seconds": found.seconds, "overhead": found.overhead}


def memory(trials: int, early: int) -> dict[str, float]:
    """Return the resident MiB after trial ``early`` and after the last, on Linux; a tiny model."""
    held: list[float] = []
    space = {"depth": "whole(1, 2)", "units": "choice(8, 16)", "batch_size": "128"}
    space |= {"augmentation": "'none'", "mixing": "'none'"}
    changes: dict[str, Any] = {"data": {"limit": 200}, "training": {"epochs": 1}}
    be_quiet()
    with tempfile.TemporaryDirectory() as folder:
        study = Study(f"sqlite:///{folder}/study.db", "s", fingerprint={}, trials=trials)
        oracle = StudyOracle(study, OBJECTIVE, epochs=1)
        tuner = StudyTuner(oracle, hypermodel("bn_mlp", space=space, **changes), folder)
        # The tuner says a line after each trial. mypy knows no assignment to a method.
        tuner.display.say = lambda line: held.append(mebibytes("VmRSS"))  # type: ignore[method-assign]
        tuner.search()
        study.close()
    return {"early": held[early - 1], "late": held[-1]}
