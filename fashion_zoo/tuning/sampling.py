"""Which parameters a trial gets, and whether it is pruned: Optuna's algorithms, made repeatable.

A sampler is made anew for each trial from (seed, index), so that a search that was killed and
begun again asks for the same parameters. Attempts that died are hidden from sampler and pruner.
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
from fashion_zoo.tuning.plans import Attempt, Plan, is_broken
from fashion_zoo.tuning.study import Study


@dataclasses.dataclass(frozen=True)
class Axis:
    """A numeric hyperparameter of KerasTuner's that Optuna cannot draw as it is.

    Optuna draws from linear and logarithmic ranges with steps that are added. KerasTuner also has
    steps that multiply, and ``reverse_log``, which is dense at the upper end. Such a hyperparameter
    is stored as its value, and drawn on an axis of which Optuna has the scale.
    """

    stored: BaseDistribution
    """Of its values."""
    drawn: BaseDistribution
    """Of the places on its axis."""
    value: Callable[[Any], Any]
    """Returns the value at a place."""
    place: Callable[[Any], Any]
    """Returns the place of a value."""

    def seen(self, trial: FrozenTrial, name: str) -> None:
        """Replace the value of a trial that a sampler looks at by its place."""
        trial.params = {**trial.params, name: self.place(trial.params[name])}
        trial.distributions = {**trial.distributions, name: self.drawn}


class VisibleStudy(optuna.Study):
    """The study as Optuna's algorithms see it.

    Attempts that died or were withdrawn, and trials that are not of the search, are left out. A
    trial that broke is the worst of the pruned ones and reported nothing: its region is avoided,
    and no other is measured against it. Hyperparameters with an ``Axis`` stand at their places.
    """

    def __init__(self, *arguments: Any, axes: Mapping[str, Axis] | None = None):
        super().__init__(*arguments)
        self._axes = dict(axes or {})
        self._all: list[FrozenTrial] | None = None

    def _get_trials(
        self, deepcopy: bool = True, states: Any = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        if self._all is None or not use_cache:
            several = len(self.directions) > 1  # there is no worst of them
            self._all = [
                self._seen(one)
                for one in super()._get_trials(deepcopy)
                if "index" in one.user_attrs
                and (one.state != TrialState.FAIL or (is_broken(one) and not several))
            ]
        return [one for one in self._all if states is None or one.state in states]

    def _seen(self, trial: FrozenTrial) -> FrozenTrial:
        known = [name for name in self._axes if name in trial.params]
        if not known and not is_broken(trial):
            return trial
        trial = copy.copy(trial)
        for name in known:
            self._axes[name].seen(trial, name)
        if is_broken(trial):
            trial.state, trial.values = TrialState.PRUNED, None
            trial.intermediate_values, trial.system_attrs = {}, {}
        return trial


def ranked(plans: Sequence[Plan], study: Study) -> list[tuple[int, FrozenTrial]]:
    """Return index and trial of those trained to their end, the most accurate first.

    Of a study with several objectives they are those of its Pareto front.
    """
    whole = [(plan.index, plan.whole) for plan in plans if plan.whole]
    if len(study.directions) > 1:
        front = {trial.number for trial in VisibleStudy(study.name, study.backend).best_trials}
        whole = [(index, trial) for index, trial in whole if trial.number in front]
    return sorted(whole, key=lambda one: (-one[1].values[0], one[0]))


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
        """Return the values of the active hyperparameters, and store them."""
        fixed = attempt.values
        if fixed is None and attempt.index == 0:
            fixed = _walk(space, lambda hp: hp.default)
        elif fixed is None and self.sampler == "quasi_random":
            # Every hyperparameter has its coordinate, whether it is active in this trial or not.
            point = self._point(attempt.index, len(space.space))
            place = dict(zip(map(id, space.space), point, strict=True))
            fixed = _walk(space, lambda hp: hp.prob_to_value(place[id(hp)]))
        if fixed is not None:
            self.study.backend.set_trial_system_attr(attempt.key, "fixed_params", fixed)
        drawn = {hp.name: own for hp in space.space if (own := axis(hp))}
        trial = optuna.Trial(self._visible(attempt.index, drawn), attempt.key)
        # What an earlier attempt did not have, this one has not either: it takes the default.
        known = None if attempt.values is None else set(attempt.values)
        values = _walk(space, lambda hp: _suggest(trial, hp, fixed or {}), known)
        self.study.note(attempt, "asked", True)
        return values

    def learn(self, attempt: Attempt, hps: keras_tuner.HyperParameters) -> None:
        """Store the values of hyperparameters that first appeared while the trial ran."""
        asked = self.study.backend.get_trial(attempt.key).params
        for hp in hps.space:
            kind = distribution(hp)
            if kind and hps.is_active(hp) and hp.name in hps.values and hp.name not in asked:
                store, value = self.study.backend.set_trial_param, hps.values[hp.name]
                self.study.write(store, attempt.key, hp.name, kind.to_internal_repr(value), kind)

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
    """Choose a value for each hyperparameter that is active under those before it."""
    values: dict[str, Any] = {}
    for hp in space.space:
        # A fixed one is not stored, so no earlier attempt has it.
        asked = known is None or hp.name in known or isinstance(hp, hyperparameters.Fixed)
        if asked and all(condition.is_active(values) for condition in hp.conditions):
            values[hp.name] = choose(hp)
    return values


def _suggest(trial: optuna.Trial, hp: Any, fixed: Mapping[str, Any]) -> Any:
    """Return the value that is fixed, or draw one; and store it."""
    kind, own = distribution(hp), axis(hp)
    if kind is None:
        return hp.default
    if hp.name in fixed:
        value = fixed[hp.name]
    elif own is None:
        return trial._suggest(hp.name, kind)  # as suggest_float and its like do
    else:
        study, frozen = trial.study, trial._get_latest_trial()
        value = own.value(study.sampler.sample_independent(study, frozen, hp.name, own.drawn))
    trial.storage.set_trial_param(trial._trial_id, hp.name, kind.to_internal_repr(value), kind)
    return value


def axis(hp: Any) -> Axis | None:
    """Return the axis of a hyperparameter; None where Optuna draws it as it is."""
    if not isinstance(hp, hyperparameters.Int | hyperparameters.Float):
        return None
    stepped = hp.step is not None and hp.sampling != "linear"
    # Optuna's own steps of a float need a range that they divide to the last digit.
    if stepped or (hp.step is not None and isinstance(hp, hyperparameters.Float)):
        return _steps(hp)
    return _mirrored(hp) if hp.sampling == "reverse_log" else None


def _steps(hp: Any) -> Axis:
    """Return the axis of steps that multiply, or of a float: their numbers, each as likely."""
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
    """Return the axis of ``reverse_log``: a logarithmic range, from the other end."""
    ends = hp.min_value + hp.max_value

    def mirror(value: Any) -> Any:
        return min(max(ends - value, hp.min_value), hp.max_value)  # of floats it may miss by one

    return Axis(
        _range(hp, hp.min_value, hp.max_value),
        _range(hp, hp.min_value, hp.max_value, log=True),
        mirror,
        mirror,
    )


def distribution(hp: Any) -> BaseDistribution | None:
    """Return what a hyperparameter is stored as; None for a fixed one."""
    match hp:
        case hyperparameters.Boolean():
            return optuna.distributions.CategoricalDistribution([False, True])
        case hyperparameters.Choice():
            return optuna.distributions.CategoricalDistribution(hp.values)
        case hyperparameters.Int() | hyperparameters.Float():
            if found := axis(hp):
                return found.stored
            if hp.sampling == "log":
                return _range(hp, hp.min_value, hp.max_value, log=True)
            if hp.step is None:
                return _range(hp, hp.min_value, hp.max_value)
            high = hp.max_value - (hp.max_value - hp.min_value) % hp.step  # else Optuna warns
            return _range(hp, hp.min_value, high, step=hp.step)
        case _:
            return None


def _range(hp: Any, low: Any, high: Any, **options: Any) -> BaseDistribution:
    kind = IntDistribution if isinstance(hp, hyperparameters.Int) else FloatDistribution
    return kind(low, high, **options)
