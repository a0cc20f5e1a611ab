"""One search of the contest: ``python -m recipes.benchmark.contest SETTINGS`` prints JSON."""

import contextlib
import functools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

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
    """The time of a search is over; nothing that catches errors sees it."""


class Deadline(keras.callbacks.Callback):
    """Break a search off, and note what each training before that reached after its last epoch."""

    def __init__(self, seconds: float):
        super().__init__()
        self.end = time.monotonic() + seconds
        self.reached: list[float] = []
        self.last = 0.0

    def __deepcopy__(self, memo):
        """Return itself: KerasTuner copies its callbacks for each trial."""
        return self

    def on_epoch_end(self, epoch, logs=None):
        """Note what an epoch reached."""
        self.last = logs[OBJECTIVE]

    def on_train_end(self, logs=None):
        """Keep that of the last one."""
        self.reached.append(self.last)

    def on_train_batch_end(self, batch, logs=None):
        """Look at the clock."""
        if time.monotonic() > self.end:
            raise OutOfTimeError


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Search, and train the best again.

    Args:
        settings: tuner, seed, seconds, changes of the config, and how often it is trained again.

    Returns:
        trials: those that ended, whole or pruned.
        score: the best validation accuracy after the last epoch of a trial.
        stated: validation accuracy of the best trial as the tuner states it.
        searched: ``score`` without the recipe's defaults, which only this package's search begins
            with; None where every other trial was pruned.
        again: mean validation accuracy of the best, trained again for all epochs with fresh seeds.
    """
    be_quiet()
    model = _model(settings, settings["seed"])
    _ = model.dataset.train  # reading the images is no part of the search
    with tempfile.TemporaryDirectory() as folder:
        find = _ours if settings["tuner"] == "fashion_zoo" else _stock
        deadline = Deadline(settings["seconds"])
        found = find(model, settings, deadline, folder)._asdict()
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


class _Found(NamedTuple):
    trials: int
    score: float
    searched: float | None
    stated: float
    values: dict[str, Any]


def _ours(
    model: RecipeHyperModel, settings: Mapping[str, Any], deadline: Deadline, folder: str
) -> _Found:
    study = Study(f"sqlite:///{folder}/study.db", "s", fingerprint={}, trials=_ENDLESS)
    epochs = model.base.training.epochs
    oracle = StudyOracle(
        study,
        OBJECTIVE,
        epochs=epochs,
        seed=settings["seed"],
        max_consecutive_failed_trials=None,
    )
    tuner = StudyTuner(oracle, model, folder)
    with contextlib.suppress(OutOfTimeError):
        tuner.search(callbacks=[deadline])
    oracle.return_trials()
    plans = study.plans()
    whole = ranked(plans, study)
    ended = sum(plan.outcome is not None for plan in plans)
    searched = max((trial.values[0] for index, trial in whole if index), default=None)
    study.close()
    if not whole:
        raise _too_short(settings)
    best = whole[0][1]
    return _Found(ended, best.values[0], searched, best.values[0], best.params)


def _stock(
    model: RecipeHyperModel, settings: Mapping[str, Any], deadline: Deadline, folder: str
) -> _Found:
    kind = getattr(keras_tuner, settings["tuner"])
    budget: dict[str, Any] = {"max_trials": _ENDLESS}
    if settings["tuner"] == "Hyperband":
        epochs = model.base.training.epochs
        budget = {"max_epochs": epochs, "hyperband_iterations": _ENDLESS}
    tuner = kind(
        model,
        objective=OBJECTIVE,
        seed=settings["seed"],
        directory=folder,
        project_name="p",
        **budget,
    )
    with contextlib.suppress(OutOfTimeError):
        tuner.search(callbacks=[deadline], verbose=0)
    ended = sum(one.status == TrialStatus.COMPLETED for one in tuner.oracle.trials.values())
    if not ended:
        raise _too_short(settings)
    best = tuner.oracle.get_best_trials()[0]
    score = max(deadline.reached)
    return _Found(ended, score, score, float(best.score), best.hyperparameters.values)


def _too_short(settings: Mapping[str, Any]) -> TrainingError:
    return TrainingError(f"No trial of {settings['tuner']} ended in {settings['seconds']} seconds.")


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
