"""Which parameters a trial gets, and whether it is pruned: Optuna's algorithms, made repeatable.

A sampler is made anew for each trial from (seed, index), so that a search that was killed and
begun again asks for the same parameters. Attempts that died are hidden from sampler and pruner.
"""

import math
from typing import Any

import keras_tuner
import optuna
from keras_tuner.engine import hyperparameters
from optuna.trial import FrozenTrial, TrialState

from fashion_zoo import checks
from fashion_zoo.config import Pruner, Sampler
from fashion_zoo.searches import check_algorithms
from fashion_zoo.seeds import derive
from fashion_zoo.tuning.study import Attempt, Study


class VisibleStudy(optuna.Study):
    """The study as Optuna knows it, without the attempts that died or were withdrawn."""

    def get_trials(self, deepcopy: bool = True, states: Any = None) -> list[FrozenTrial]:
        found = super().get_trials(deepcopy, states)
        return [one for one in found if one.state != TrialState.FAIL]


class Suggestions:
    """What a study suggests.

    Args:
        study: the study.
        sampler: tpe (tree-structured Parzen estimator), random, or quasi_random (a Sobol sequence).
        pruner: asha (asynchronous successive halving), median, or none.
        seed: key of the sampler.
        epochs: epochs of a trial, if they are known.

    References: Bergstra et al. 2011, NIPS 24 (tpe); Bergstra & Bengio 2012, JMLR 13 (random,
    quasi_random); Li et al. 2020, arXiv:1810.05934 (asha); Golovin et al. 2017, KDD (median).
    """

    def __init__(
        self, study: Study, sampler: Sampler, pruner: Pruner, seed: int, epochs: int | None = None
    ):
        check_algorithms(sampler, pruner, len(study.directions))
        checks.whole("seed", seed, 0)
        self.study = study
        self.sampler = sampler
        self.pruner = pruner
        self.seed = seed
        # A ninth, rounded up: two rungs of three below the last epoch. Rounded down there is a
        # third shortly before the end, where what is nearly done is pruned.
        self.first = max(math.ceil((epochs or 1) / 9), 1)

    def ask(self, attempt: Attempt, space: keras_tuner.HyperParameters) -> dict[str, Any]:
        """Return the values of the active hyperparameters, and store them.

        Args:
            attempt: what is asked for.
            space: the hyperparameters with their conditions; each after those it hangs on.
        """
        fixed = attempt.values
        if fixed is None and attempt.index == 0:
            fixed = _walk(space, lambda hp: hp.default)
        elif fixed is None and self.sampler == "quasi_random":
            point = iter(self._point(attempt.index, len(space.space)))
            # Every hyperparameter has its coordinate, whether it counts in this trial or not.
            place = {id(hp): next(point) for hp in space.space}
            fixed = _walk(space, lambda hp: hp.prob_to_value(place[id(hp)]))
        if fixed is not None:
            self.study.backend.set_trial_system_attr(attempt.key, "fixed_params", fixed)
        trial = optuna.Trial(self._visible(attempt.index), attempt.key)
        values = _walk(space, lambda hp: _suggest(trial, hp))
        self.study.note(attempt, "asked", True)
        return values

    def _point(self, index: int, dimensions: int) -> list[float]:
        from scipy.stats import qmc

        sequence = qmc.Sobol(dimensions, scramble=True, rng=self.seed)
        if index > 1:
            sequence.fast_forward(index - 1)
        return [float(number) for number in sequence.random(1)[0]]

    def should_prune(self, attempt: Attempt) -> bool:
        """Return whether the trial does too badly to go on, after its last report."""
        if self.pruner == "none" or len(self.study.directions) > 1:
            return False
        visible = self._visible(attempt.index)
        return visible.pruner.prune(visible, self.study.backend.get_trial(attempt.key))

    def _visible(self, index: int) -> VisibleStudy:
        seed = derive(self.seed, "trial", index)
        sampler = (
            optuna.samplers.TPESampler(seed=seed)
            if self.sampler == "tpe"
            else optuna.samplers.RandomSampler(seed=seed)
        )
        pruner: optuna.pruners.BasePruner
        match self.pruner:
            case "asha":
                pruner = optuna.pruners.SuccessiveHalvingPruner(self.first, reduction_factor=3)
            case "median":
                pruner = optuna.pruners.MedianPruner(n_startup_trials=5)
            case _:
                pruner = optuna.pruners.NopPruner()
        return VisibleStudy(self.study.name, self.study.backend, sampler, pruner)


def _walk(space: keras_tuner.HyperParameters, choose) -> dict[str, Any]:
    """Choose a value for each hyperparameter that is active under those before it."""
    values: dict[str, Any] = {}
    for hp in space.space:
        if all(condition.is_active(values) for condition in hp.conditions):
            values[hp.name] = choose(hp)
    return values


def _suggest(trial: optuna.Trial, hp: Any) -> Any:
    match hp:
        case hyperparameters.Float():
            return trial.suggest_float(
                hp.name, hp.min_value, hp.max_value, step=hp.step, log=hp.sampling == "log"
            )
        case hyperparameters.Int() if hp.sampling == "log":
            return trial.suggest_int(hp.name, hp.min_value, hp.max_value, log=True)
        case hyperparameters.Int():
            return trial.suggest_int(hp.name, hp.min_value, hp.max_value, step=hp.step or 1)
        case hyperparameters.Boolean():
            return trial.suggest_categorical(hp.name, [False, True])
        case hyperparameters.Choice():
            return trial.suggest_categorical(hp.name, hp.values)
        case _:
            return hp.default  # a Fixed one
