"""What of an Oracle a study answers: its trials, their order, and the space they are drawn from."""

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
    """A search cannot go on: of its objective, or of what ``search()`` was given.

    KerasTuner ends a search with a fatal error; any other it takes for a fault of the
    hyperparameters, and tries the next ones.
    """


class FailuresError(TrainingError, RuntimeError):
    """So many trials in a row failed that the fault is not of their hyperparameters."""


@dataclasses.dataclass
class Ongoing:
    """State of a running trial."""

    attempt: Attempt
    end: Callable[[], None]
    """Ends its heartbeat."""
    known: int
    """How many hyperparameters there were when it began."""
    reports: int = 0
    step: int = -1
    finals: list[float] = dataclasses.field(default_factory=list)
    """The objective after the last epoch of each execution."""
    stopped: bool = False
    broken: bool = False

    def add(self, reached: float, step: int) -> None:
        """Take the objective after an epoch; a step that does not follow begins an execution."""
        if step > self.step:
            self.finals = self.finals[:-1]
        self.finals.append(reached)
        self.step, self.reports = step, self.reports + 1
        self.broken = self.broken or not math.isfinite(reached)


class StudyMirror(keras_tuner.Oracle):
    """An Oracle that has the trials of its study, whoever runs them, and writes no file."""

    hyperparameters: Any
    """The space, as of every Oracle."""

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
        self._read()

    def _share_space(self) -> None:
        """Take the hyperparameters of all workers, in the same order, and add those of this one."""
        if not (self.tune_new_entries and self.allow_new_entries):
            return
        if (stored := self.study.space) == self._shared and stored is not None:
            own = len(self.hyperparameters.space)
            if own == len(stored["space"]):
                return
        self._shared = self.study.extend(
            lambda stored: {**_merged(stored, self.hyperparameters).get_config(), "values": {}}
        )
        self.hyperparameters = _merged(self._shared, self.hyperparameters)

    def _read(self, plans: Sequence[Plan] | None = None) -> None:
        """Read the trials of the study, those of other workers and processes included."""
        plans = self.study.plans() if plans is None else plans
        for plan in plans:
            trial_id = str(plan.index)
            known = self.trials.get(trial_id)
            if trial_id not in self._ongoing and (known is None or known.status not in ENDED):
                self.trials[trial_id] = _trial(plan, self.objectives)
        self.start_order = [str(plan.index) for plan in plans]
        ended = [(_end(plan), plan.index) for plan in plans if _STATUS[plan.status] in ENDED]
        self.end_order = [str(index) for _, index in sorted(ended)]

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Return the best trials of the study, whoever ran them."""
        self._read()
        found = super().get_best_trials(num_trials)
        for trial in found:
            if not trial.hyperparameters.space:  # another process ran it
                space = self.get_space()
                space.values = trial.hyperparameters.values
                complete(space)
                trial.hyperparameters = space
        return found

    def remaining_trials(self) -> int:
        """Return how many planned trials are not yet begun."""
        self._read()
        return super().remaining_trials()

    def save(self) -> None:
        """Write nothing: all of it is in the study."""

    def reload(self) -> None:
        """Read the study, and no file of KerasTuner's."""
        if self.study.space is not None:
            self._share_space()
        self._read()


def _parsed(objective: Any, directions: Sequence[str]) -> list[keras_tuner.Objective]:
    """Return one or several objectives; their directions must be those of the study."""
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
    """Return the error of a trial that reports metrics, and not the objective."""
    known = sorted(metrics)
    close = nearest(objective.name, known)
    meant = f" Did you mean {close!r}?" if close else ""
    there = listed(known) if known else "nothing"
    return SearchError(
        f"Objective value missing: {objective.name!r} is not among what a trial reports, which is "
        f"{there}.{meant}"
    )


def _trial(plan: Plan, objectives: Sequence[keras_tuner.Objective]) -> Trial:
    """Return a planned trial as KerasTuner's Trial, with its values and without the space."""
    last = plan.outcome or plan.running or plan.attempts[-1]
    found = Trial(keras_tuner.HyperParameters(), str(plan.index), _STATUS[plan.status])
    found.hyperparameters.values = dict(last.params)
    found.message = last.user_attrs.get("mark") or last.user_attrs.get("failed")
    if found.status == TrialStatus.FAILED and not plan.outcome:
        found.message = f"It was given up after {counted(plan.deaths, 'worker')} died with it."
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


def _end(plan: Plan) -> str:
    return str((plan.outcome or plan.attempts[-1]).datetime_complete)


def complete(space: keras_tuner.HyperParameters) -> None:
    """Give every active hyperparameter without a value its default."""
    for hp in space.space:
        if space.is_active(hp):
            space.values.setdefault(hp.name, hp.default)


def _merged(
    stored: Mapping[str, Any] | None, own: keras_tuner.HyperParameters
) -> keras_tuner.HyperParameters:
    """Return the stored hyperparameters, and after them those of this worker that are new."""
    if stored is None:
        return own.copy()
    found = keras_tuner.HyperParameters.from_config(stored)
    found.merge(own, overwrite=False)
    complete(found)
    return found
