"""The part of an Oracle that reads the study: trials, their order, and the search space."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine.objective import create_objective  # it has no public name

from fashion_zoo.errors import ConfigError, TrainingError
from fashion_zoo.language.wording import counted, listed, nearest
from fashion_zoo.tuning.plans import Attempt, Plan
from fashion_zoo.tuning.study import Study

ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)
_STATUS = {
    "completed": TrialStatus.COMPLETED,
    "pruned": TrialStatus.COMPLETED,
    "failed": TrialStatus.FAILED,
    "running": TrialStatus.RUNNING,
    "waiting": TrialStatus.INVALID,
}


class SearchError(ConfigError, keras_tuner.errors.FatalError):
    """Wrong objective or arguments of a search.

    A fatal error ends a search. KerasTuner counts any other as a failure of the trial and runs the
    next one.
    """


class FailuresError(TrainingError, RuntimeError):
    """Too many trials in a row failed."""


@dataclasses.dataclass
class Ongoing:
    """State of a running trial."""

    attempt: Attempt
    end: Callable[[], None]
    """Stops its heartbeat."""
    known: int
    """Number of hyperparameters at its start."""
    reports: int = 0
    step: int = -1
    finals: list[float] = dataclasses.field(default_factory=list)
    """The objective after the last epoch of each execution."""
    stopped: bool = False
    diverged: bool = False

    def add(self, reached: float, step: int) -> None:
        """Add the objective after an epoch; a step that does not follow starts an execution."""
        if step > self.step:
            self.finals = self.finals[:-1]
        self.finals.append(reached)
        self.step, self.reports = step, self.reports + 1
        self.diverged = self.diverged or not math.isfinite(reached)


class BaseOracle(keras_tuner.Oracle):
    """An Oracle with the trials of a study, those of all workers, that writes no files."""

    hyperparameters: Any
    """The search space, as in every Oracle."""

    def __init__(self, study: Study, objective: Any, **options: Any):
        self.objectives = _parsed(objective, study.directions)
        first, *self.costs = self.objectives
        try:
            super().__init__(objective=first, max_trials=study.trials, **options)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        self.study = study
        self._ongoing: dict[str, Ongoing] = {}
        self._shared: Any = None
        self._refresh()

    def _sync_space(self) -> None:
        """Merge the search space with the stored one, in the same order for all workers."""
        if not (self.tune_new_entries and self.allow_new_entries):
            return
        stored, own = self.study.space, len(self.hyperparameters.space)
        if stored is not None and stored == self._shared and own == len(stored["space"]):
            return
        self._shared = self.study.extend(
            lambda stored: {**_merged(stored, self.hyperparameters).get_config(), "values": {}}
        )
        self.hyperparameters = _merged(self._shared, self.hyperparameters)

    def _refresh(self) -> None:
        """Read the trials of the study, including those of other workers."""
        plans = self.study.plans()
        for plan in plans:
            trial_id = str(plan.index)
            known = self.trials.get(trial_id)
            if trial_id not in self._ongoing and (known is None or known.status not in ENDED):
                self.trials[trial_id] = _trial(plan, self.objectives)
        self.start_order = [str(plan.index) for plan in plans]
        ended = [plan for plan in plans if _STATUS[plan.status] in ENDED]
        ended.sort(key=lambda plan: str((plan.outcome or plan.attempts[-1]).datetime_complete))
        self.end_order = [str(plan.index) for plan in ended]

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Return the best trials of the study, including those of other workers."""
        self._refresh()
        found = super().get_best_trials(num_trials)
        for trial in found:
            if not trial.hyperparameters.space:  # another process ran it
                space = self.get_space()
                space.values = trial.hyperparameters.values
                complete(space)
                trial.hyperparameters = space
        return found

    def remaining_trials(self) -> int:
        """Return the number of planned trials that have not started."""
        self._refresh()
        return super().remaining_trials()

    def save(self) -> None:
        """Do nothing: the study is always up to date."""

    def reload(self) -> None:
        """Read the study."""
        if self.study.space is not None:
            self._sync_space()
        self._refresh()


def _parsed(objective: Any, directions: Sequence[str]) -> list[keras_tuner.Objective]:
    """Return the objectives as KerasTuner's, checked against the directions of the study."""
    one = objective is None or isinstance(objective, str | keras_tuner.Objective)
    try:
        found = [create_objective(name) for name in ([objective] if one else objective)]
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error)) from error
    wanted = tuple("maximize" if one.direction == "max" else "minimize" for one in found)
    if wanted != tuple(directions):
        names = listed([f"{one.name} ({one.direction})" for one in found])
        raise ConfigError(
            f"The study has the directions {tuple(directions)}, which are not those of {names}. "
            f"Open it with directions={wanted}, or give the oracle another objective."
        )
    return found


def missing(objective: keras_tuner.Objective, metrics: Iterable[str]) -> SearchError:
    """Return the error for metrics that lack the objective."""
    known = sorted(metrics)
    close = nearest(objective.name, known)
    meant = f" Did you mean {close!r}?" if close else ""
    there = listed(known) if known else "nothing"
    return SearchError(
        f"Objective value missing: the trial did not report {objective.name!r}, but {there}.{meant}"
    )


def _trial(plan: Plan, objectives: Sequence[keras_tuner.Objective]) -> Trial:
    """Return a planned trial as a KerasTuner Trial, with values but without the space."""
    last = plan.outcome or plan.running or plan.attempts[-1]
    found = Trial(keras_tuner.HyperParameters(), str(plan.index), _STATUS[plan.status])
    found.hyperparameters.values = dict(last.params)
    found.message = last.user_attrs.get("mark") or last.user_attrs.get("failed")
    if found.status == TrialStatus.FAILED and not plan.outcome:
        found.message = f"It failed after {counted(plan.deaths, 'worker')} died during it."
    first, *costs = objectives
    found.metrics.register(first.name, first.direction)
    for report, value in last.intermediate_values.items():
        found.metrics.update(first.name, value, step=report - 1)
    if plan.score is not None and last.values is not None:
        found.score = plan.score
        found.best_step = max(last.intermediate_values, default=1) - 1
        if not last.intermediate_values:
            found.metrics.update(first.name, plan.score)
        for cost, value in zip(costs, last.values[1:], strict=True):
            found.metrics.register(cost.name, cost.direction)
            found.metrics.update(cost.name, value)
    return found


def complete(space: keras_tuner.HyperParameters) -> None:
    """Set every active hyperparameter without a value to its default."""
    for hp in space.space:
        if space.is_active(hp):
            space.values.setdefault(hp.name, hp.default)


def _merged(
    stored: Mapping[str, Any] | None, own: keras_tuner.HyperParameters
) -> keras_tuner.HyperParameters:
    """Return the stored hyperparameters, followed by the new ones of this worker."""
    if stored is None:
        return own.copy()
    found = keras_tuner.HyperParameters.from_config(stored)
    found.merge(own, overwrite=False)
    complete(found)
    return found
