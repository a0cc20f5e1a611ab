"""A search whose trials are arithmetic: what a study and its oracle do, without any training.

As a program it is one worker: ``python tests/searching.py URL TRIALS SECONDS LEASE PRUNER``. It
says ready, and begins after a line on stdin.
"""

import math
import sys
import time

import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from fashion_zoo.tuning import Study, StudyOracle

EPOCHS = 3


def space():
    """A space with a condition: ``rate`` counts only with ``use_rate``."""
    hp = keras_tuner.HyperParameters()
    hp.Float("x", -2.0, 2.0, default=1.5)
    hp.Choice("kind", ["a", "b"], default="b")
    hp.Boolean("use_rate", default=True)
    with hp.conditional_scope("use_rate", [True]):
        hp.Float("rate", 1e-3, 1.0, sampling="log", default=0.1)
    return hp


def score(values, epoch):
    """What a trial reaches after an epoch (from 0); at most 1."""
    rate = values.get("rate", 0.5)
    worth = 1 - 0.1 * values["x"] ** 2 - 0.05 * abs(math.log10(rate) + 1)
    return worth * (0.5 + 0.5 * (epoch + 1) / EPOCHS) - 0.02 * (values["kind"] == "b")


def search(
    url,
    *,
    trials=6,
    seed=3,
    pause=0.0,
    pruner="asha",
    log=lambda trial: None,
    wrap=lambda backend: None,
    **options,
):
    """Work on a study until nothing is left; return the planned trials."""
    study = Study(url, "arithmetic", fingerprint={"space": 1}, trials=trials, **options)
    wrap(study.backend)
    try:
        _work(StudyOracle(study, seed=seed, pruner=pruner), pause, log)
        return study.plans()
    finally:
        study.close()  # as the operating system does for a process that is killed


def _work(oracle, pause, log):
    oracle.hyperparameters = space()
    while (trial := oracle.create_trial("me")).status != TrialStatus.STOPPED:
        if trial.status == TrialStatus.IDLE:
            continue
        for epoch in range(EPOCHS):
            time.sleep(pause / EPOCHS)
            reached = score(trial.hyperparameters.values, epoch)
            known = oracle.update_trial(trial.trial_id, {"val_accuracy": reached}, step=epoch)
            if known.status == TrialStatus.STOPPED:
                break
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
        log(trial)


WRITES = [
    "create_new_trial", "set_trial_param", "set_trial_user_attr", "set_trial_system_attr",
    "set_trial_intermediate_value", "set_trial_state_values",
]  # fmt: skip


class KilledError(BaseException):
    """As a kill: nothing that catches errors sees it."""


def killer(at, after):
    """Return what makes a backend die at its write number ``at``, and the list of its writes."""
    writes = []

    def wrap(backend):
        def dying(name, write):
            def call(*arguments, **keywords):
                writes.append(name)
                if len(writes) - 1 == at and not after:
                    raise KilledError
                done = write(*arguments, **keywords)
                if len(writes) - 1 == at:
                    raise KilledError
                return done

            return call

        for name in WRITES:
            setattr(backend, name, dying(name, getattr(backend, name)))

    return wrap, writes


def outcome(plans):
    """What a search found: index, parameters, state and score of each planned trial, in order."""
    found = [plan.outcome for plan in plans]
    return [
        (plan.index, one and one.params, one and one.state.name, one and one.value)
        for plan, one in zip(plans, found, strict=True)
    ]


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()  # go
    search(
        sys.argv[1],
        trials=int(sys.argv[2]),
        pause=float(sys.argv[3]),
        lease=float(sys.argv[4]),
        pruner=sys.argv[5],
        attempts=100,
        log=lambda trial: print(trial.trial_id, flush=True),
    )
