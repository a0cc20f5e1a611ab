"""Sampling and pruning with Optuna's algorithms, repeatable after a kill.

Each trial has its own sampler, seeded by (seed, index), so that a resumed search suggests the same
hyperparameters. Attempts whose worker died are hidden from sampler and pruner.
"""

import copy
import dataclasses
import math
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import keras_tuner
import optuna
from keras_tuner.engine import hyperparameters
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from fashion_zoo.config import Pruner, Sampler
from fashion_zoo.config.search import check_algorithms
from fashion_zoo.language import checks
from fashion_zoo.seeds import derive
from fashion_zoo.tuning.plans import Attempt, Plan, has_failed
from fashion_zoo.tuning.study import Study


@dataclasses.dataclass(frozen=True)
class Axis:
    """How a hyperparameter of KerasTuner's is stored and sampled.

    Optuna has no multiplicative steps, and no ``reverse_log``, which is dense at the upper end.
    Such a hyperparameter is sampled as a position on a scale that Optuna has.
    """

    stored: BaseDistribution
    """Distribution of the values."""
    drawn: BaseDistribution | None = None
    """Distribution of the positions; None if Optuna can sample the values directly."""
    value: Callable[[Any], Any] = lambda position: position
    """Return the value at a position."""
    place: Callable[[Any], Any] = lambda value: value
    """Return the position of a value."""


class VisibleStudy(optuna.Study):
    """The study as Optuna's algorithms see it.

    Attempts that died or were withdrawn, and trials added by other programs, are left out. A failed
    trial counts as the worst pruned one, without reports: samplers avoid its region, and pruners
    ignore it. Hyperparameters with an ``Axis`` have their positions in place of their values.
    """

    def __init__(self, *arguments: Any, axes: Mapping[str, Axis] | None = None):
        super().__init__(*arguments)
        self._axes = dict(axes or {})
        self._all: list[FrozenTrial] | None = None

    def _get_trials(
        self, deepcopy: bool = True, states: Any = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        if self._all is None or not use_cache:
            several = len(self.directions) > 1  # then no trial is the worst
            self._all = [
                self._seen(one)
                for one in super()._get_trials(deepcopy)
                if "index" in one.user_attrs
                and (one.state != TrialState.FAIL or (has_failed(one) and not several))
            ]
        return [one for one in self._all if states is None or one.state in states]

    def _seen(self, trial: FrozenTrial) -> FrozenTrial:
        axes = {name: own for name, own in self._axes.items() if name in trial.params}
        if not axes and not has_failed(trial):
            return trial
        trial = copy.copy(trial)
        places = {name: own.place(trial.params[name]) for name, own in axes.items()}
        trial.params = trial.params | places
        trial.distributions = trial.distributions | {name: axes[name].drawn for name in axes}
        if has_failed(trial):
            trial.state, trial.values = TrialState.PRUNED, None
            trial.intermediate_values, trial.system_attrs = {}, {}
        return trial


def ranked(plans: Sequence[Plan], study: Study) -> list[tuple[int, FrozenTrial]]:
    """Return (index, trial) of the completed trials, the most accurate first.

    With several objectives they are those of the Pareto front.
    """
    completed = [(plan.index, plan.completed) for plan in plans if plan.completed]
    if len(study.directions) > 1:
        front = {trial.number for trial in VisibleStudy(study.name, study.backend).best_trials}
        completed = [(index, trial) for index, trial in completed if trial.number in front]
    return sorted(completed, key=lambda one: (-one[1].values[0], one[0]))


class Suggestions:
    """Sampler and pruner: tree-structured Parzen estimator, Sobol sequence, successive halving.

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
        # A ninth, rounded up: two rungs before the last epoch. Rounded down there is a third one
        # shortly before the end, which prunes trials that are nearly completed.
        self.first = max(math.ceil((epochs or 1) / 9), 1)

    def ask(self, attempt: Attempt, space: keras_tuner.HyperParameters) -> dict[str, Any]:
        """Sample and store the active hyperparameters; return their values."""
        fixed = attempt.values
        if fixed is None and attempt.index == 0:
            fixed = _walk(space, lambda hp: hp.default)
        elif fixed is None and self.sampler == "quasi_random":
            from scipy.stats import qmc

            # Every hyperparameter has its coordinate, active in this trial or not.
            sequence = qmc.Sobol(len(space.space), scramble=True, rng=self.seed)
            if attempt.index > 1:
                sequence.fast_forward(attempt.index - 1)
            place = dict(zip(map(id, space.space), sequence.random(1)[0].tolist(), strict=True))
            fixed = _walk(space, lambda hp: hp.prob_to_value(place[id(hp)]))
        if fixed is not None:
            self.study.backend.set_trial_system_attr(attempt.key, "fixed_params", fixed)
        drawn = {hp.name: own for hp in space.space if (own := axis(hp)) and own.drawn}
        trial = optuna.Trial(self._visible(attempt.index, drawn), attempt.key)
        # A hyperparameter that an earlier attempt did not have keeps its default.
        values = _walk(space, lambda hp: _suggest(trial, hp, fixed or {}), attempt.values)
        self.study.note(attempt, "asked", True)
        return values

    def store(self, attempt: Attempt, hps: keras_tuner.HyperParameters) -> None:
        """Store the values of hyperparameters that were added while the trial ran."""
        stored = self.study.backend.get_trial(attempt.key).params
        for hp in hps.space:
            own = axis(hp)
            if own and hps.is_active(hp) and hp.name in hps.values and hp.name not in stored:
                value = own.stored.to_internal_repr(hps.values[hp.name])
                store = self.study.backend.set_trial_param
                self.study.write(store, attempt.key, hp.name, value, own.stored)

    def should_prune(self, attempt: Attempt) -> bool:
        """Return whether to prune the trial after its last report."""
        if self.pruner == "none" or len(self.study.directions) > 1:
            return False
        visible = self._visible(attempt.index)
        return visible.pruner.prune(visible, self.study.backend.get_trial(attempt.key))

    def _visible(self, index: int, drawn: Mapping[str, Axis] | None = None) -> VisibleStudy:
        kind = (
            optuna.samplers.TPESampler if self.sampler == "tpe" else optuna.samplers.RandomSampler
        )
        pruners: dict[str, optuna.pruners.BasePruner] = {
            "asha": optuna.pruners.SuccessiveHalvingPruner(self.first, reduction_factor=3),
            "median": optuna.pruners.MedianPruner(n_startup_trials=5),
        }
        sampler, pruner = kind(seed=derive(self.seed, "trial", index)), pruners.get(self.pruner)
        return VisibleStudy(self.study.name, self.study.backend, sampler, pruner, axes=drawn)


def _walk(
    space: keras_tuner.HyperParameters,
    choose: Callable[[Any], Any],
    known: Container[str] | None = None,
) -> dict[str, Any]:
    """Choose a value for each hyperparameter that is active given those before it."""
    values: dict[str, Any] = {}
    for hp in space.space:
        # Fixed hyperparameters are not stored, so no earlier attempt has them.
        sampled = known is None or hp.name in known or isinstance(hp, hyperparameters.Fixed)
        if sampled and all(condition.is_active(values) for condition in hp.conditions):
            values[hp.name] = choose(hp)
    return values


def _suggest(trial: optuna.Trial, hp: Any, fixed: Mapping[str, Any]) -> Any:
    """Return and store the fixed value, or sample one."""
    own = axis(hp)
    if own is None:
        return hp.default
    if hp.name in fixed:
        value = fixed[hp.name]
    elif own.drawn is None:
        return trial._suggest(hp.name, own.stored)  # what suggest_float and suggest_int call
    else:
        study, frozen = trial.study, trial._get_latest_trial()
        value = own.value(study.sampler.sample_independent(study, frozen, hp.name, own.drawn))
    stored = own.stored.to_internal_repr(value)
    trial.storage.set_trial_param(trial._trial_id, hp.name, stored, own.stored)
    return value


def axis(hp: Any) -> Axis | None:
    """Return how a hyperparameter is stored and sampled; None for a fixed one."""
    match hp:
        case hyperparameters.Boolean():
            return Axis(optuna.distributions.CategoricalDistribution([False, True]))
        case hyperparameters.Choice():
            return Axis(optuna.distributions.CategoricalDistribution(hp.values))
        case hyperparameters.Int() | hyperparameters.Float():
            # Optuna accepts steps of a float only if they divide the range exactly.
            unlike = hp.sampling != "linear" or isinstance(hp, hyperparameters.Float)
            if hp.step is not None and unlike:
                return _steps(hp)
            if hp.sampling == "reverse_log":
                return _mirrored(hp)
            if hp.step is None:
                return Axis(_range(hp, hp.min_value, hp.max_value, log=hp.sampling == "log"))
            high = hp.max_value - (hp.max_value - hp.min_value) % hp.step  # else Optuna warns
            return Axis(_range(hp, hp.min_value, high, step=hp.step))
        case _:
            return None


def _steps(hp: Any) -> Axis:
    """Return the axis of steps: their indices, uniformly distributed."""
    kind = int if isinstance(hp, hyperparameters.Int) else float
    count = hp._get_n_values()

    def value(number: int) -> Any:
        return kind(hp._get_value_by_index(number))

    def place(one: Any) -> int:
        if hp.sampling == "linear":
            number = (one - hp.min_value) / hp.step
        else:
            from_low = hp.min_value + hp.max_value - one if hp.sampling == "reverse_log" else one
            number = math.log(max(from_low, hp.min_value) / hp.min_value, hp.step)
        return min(max(round(number), 0), count - 1)

    low, high = sorted((value(0), value(count - 1)))
    stored = _range(hp, low, high, log=hp.sampling == "log")
    return Axis(stored, IntDistribution(0, count - 1), value, place)


def _mirrored(hp: Any) -> Axis:
    """Return the axis of ``reverse_log``: the logarithmic range, mirrored."""
    ends = hp.min_value + hp.max_value

    def mirror(value: Any) -> Any:
        return min(max(ends - value, hp.min_value), hp.max_value)  # floats round

    return Axis(
        _range(hp, hp.min_value, hp.max_value),
        _range(hp, hp.min_value, hp.max_value, log=True),
        mirror,
        mirror,
    )


def _range(hp: Any, low: Any, high: Any, **options: Any) -> BaseDistribution:
    kind = IntDistribution if isinstance(hp, hyperparameters.Int) else FloatDistribution
    return kind(low, high, **options)
