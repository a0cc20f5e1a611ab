"""The importance of hyperparameters."""

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial

_LEFT_OUT = 5  # parts of the trials, each left out once for the range of the importances


def importances(trials: Sequence[FrozenTrial]) -> dict[str, tuple[float, float, float]]:
    """Return the fANOVA importance of each hyperparameter that all trials have.

    A value is (importance, smallest, largest), the latter two when a fifth of the trials is left
    out. The result is empty if all scores or all values of such a part are equal.

    Reference: Hutter, Hoos & Leyton-Brown 2014, ICML.
    """
    parts = [
        [one for number, one in enumerate(trials) if number % _LEFT_OUT != left]
        for left in range(_LEFT_OUT)
    ]
    try:
        shares = [_explained(part) for part in (trials, *parts)]
    except (ValueError, RuntimeError):  # all scores or all values of a part are equal
        return {}
    found = {}
    for name, share in shares[0].items():
        if len({str(one.params[name]) for one in trials}) > 1:
            each = [part.get(name, 0.0) for part in shares]
            found[name] = share, min(each), max(each)
    return found


def _explained(trials: Sequence[FrozenTrial]) -> dict[str, float]:
    study = optuna.create_study(directions=["maximize" for _ in trials[0].values])
    study.add_trials(trials)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return optuna.importance.get_param_importances(
        study, evaluator=evaluator, target=lambda trial: trial.values[0]
    )
