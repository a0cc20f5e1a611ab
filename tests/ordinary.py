"""An oracle over a study in memory, and trials that train nothing."""

from unittest import mock

import keras_tuner
from keras_tuner.engine.trial import TrialStatus
from optuna.storages import InMemoryStorage

from fashion_zoo.tuning import Study, StudyOracle, study as studies

LOSS = keras_tuner.Objective("loss", "min")


def memory(trials=10, directions=("minimize",)):
    """A study that no other process opens, and no disk slows."""
    with mock.patch.object(studies, "connect", return_value=InMemoryStorage()):
        options = {"fingerprint": {}, "trials": trials, "directions": directions}
        return Study("sqlite:///:memory:", "s", **options)


def ordinary(study=None, objective=LOSS, **options):
    return StudyOracle(study or memory(), objective, **{"pruner": "none", **options})


def end(oracle, value, tuner="me", name="loss", status=TrialStatus.COMPLETED):
    """Run a trial that reaches a value."""
    trial = oracle.create_trial(tuner)
    if value is not None:
        oracle.update_trial(trial.trial_id, {name: value})
    trial.status = status
    oracle.end_trial(trial)
    return trial


def drawn(oracle, count):
    """The values of some trials, all with one score."""
    return [end(oracle, 1.0).hyperparameters.values for _ in range(count)]
