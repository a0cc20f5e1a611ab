"""One search of the contest: ``python -m recipes.benchmark.contest SETTINGS`` prints JSON."""

import contextlib
import functools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from fashion_zoo import registry
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.errors import TrainingError
from fashion_zoo.seeds import derive
from fashion_zoo.tuning import OBJECTIVE, RecipeHyperModel, Study, StudyOracle, StudyTuner, be_quiet
from fashion_zoo.tuning.sampling import ranked

_ENDLESS = 10_000  # trials; the time ends before


class OutOfTimeError(BaseException):
    """The time of a search is over; no handler of ordinary errors catches it."""


class Deadline(keras.callbacks.Callback):
    """Interrupt a search, and keep the objective after the last epoch of each training before."""

    def __init__(self, seconds: float):
        super().__init__()
        self.end = time.monotonic() + seconds
        self.reached: list[float] = []
        self.last = 0.0

    def __deepcopy__(self, memo):
        """Return itself: KerasTuner copies its callbacks for each trial."""
        return self

    def on_epoch_end(self, epoch, logs=None):
        """Remember the objective."""
        self.last = logs[OBJECTIVE]

    def on_train_end(self, logs=None):
        """Keep the objective of the last epoch."""
        self.reached.append(self.last)

    def on_train_batch_end(self, batch, logs=None):
        """Check the time."""
        if time.monotonic() > self.end:
            raise OutOfTimeError


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Search, and train the best trial again.

    Args:
        settings: tuner, seed, seconds, changes of the config, and the number of trainings again.

    Returns:
        trials: completed and pruned ones.
        score: the best validation accuracy of a trial after its last epoch.
        stated: validation accuracy of the best trial as the tuner states it.
        searched: ``score`` without the recipe's defaults, the first trial of this package's search
            alone; None where every other trial was pruned.
        again: mean validation accuracy of the best trial, trained for all epochs with fresh seeds.
    """
    be_quiet()
    model = _model(settings, settings["seed"])
    _ = model.dataset.train  # reading the images does not count
    with tempfile.TemporaryDirectory() as folder:
        find = _ours if settings["tuner"] == "fashion_zoo" else _stock
        found = find(model, settings, Deadline(settings["seconds"]), folder)
    if not found["trials"]:
        name, seconds = settings["tuner"], settings["seconds"]
        raise TrainingError(f"No trial of {name} was completed in {seconds} seconds.")
    hp = keras_tuner.HyperParameters()
    hp.values = found.pop("values")
    again = []
    for number in range(settings["again"]):
        fresh = _model(settings, derive(settings["seed"], "again", number))
        history = fresh.fit(hp, fresh.build(hp))
        again.append(history.history[OBJECTIVE][-1])
    return {**found, "again": statistics.mean(again)}


def _model(settings: Mapping[str, Any], seed: int) -> RecipeHyperModel:
    entry = registry.recipe("bn_mlp")
    config = functools.reduce(override, [*settings["changes"], {"seed": seed}], entry.config)
    return RecipeHyperModel(entry, config, entry.space, load(config.data))


def _ours(
    model: RecipeHyperModel, settings: Mapping[str, Any], deadline: Deadline, folder: str
) -> dict[str, Any]:
    study = Study(f"sqlite:///{folder}/study.db", "s", fingerprint={}, trials=_ENDLESS)
    oracle = StudyOracle(
        study,
        OBJECTIVE,
        epochs=model.base.training.epochs,
        seed=settings["seed"],
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
    model: RecipeHyperModel, settings: Mapping[str, Any], deadline: Deadline, folder: str
) -> dict[str, Any]:
    budget: dict[str, Any] = {"max_trials": _ENDLESS}
    if settings["tuner"] == "Hyperband":
        epochs = model.base.training.epochs
        budget = {"max_epochs": epochs, "hyperband_iterations": _ENDLESS}
    tuner = getattr(keras_tuner, settings["tuner"])(
        model,
        objective=OBJECTIVE,
        seed=settings["seed"],
        directory=folder,
        project_name="p",
        **budget,
    )
    with contextlib.suppress(OutOfTimeError):
        tuner.search(callbacks=[deadline], verbose=0)
    trials = sum(one.status == TrialStatus.COMPLETED for one in tuner.oracle.trials.values())
    if not trials:
        return {"trials": 0}
    best, score = tuner.oracle.get_best_trials()[0], max(deadline.reached)
    return {
        "trials": trials,
        "score": score,
        "stated": float(best.score),
        "searched": score,
        "values": best.hyperparameters.values,
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
