"""What of an Oracle a study answers: its trials, their order, and the space they are drawn from."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

import fashion_zoo.tuning.objectives as objectives
import fashion_zoo.tuning.told as told
from fashion_zoo.errors import ConfigError
from fashion_zoo.tuning.plans import Attempt, Plan
from fashion_zoo.tuning.study import Study

ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


@dataclasses.dataclass
class Ongoing:
    """What is known of a trial while it runs."""

    attempt: Attempt
    end: Callable[[], None]
    """Ends its signs of life."""
    known: int
    """How many hyperparameters there were when it began."""
    reports: int = 0
    step: int = -1
    finals: list[float] = dataclasses.field(default_factory=list)
    """The objective after the last epoch of each execution."""
    stopped: bool = False
    broken: bool = False


class StudyMirror(keras_tuner.Oracle):
    """An Oracle that knows the trials of its study, whoever runs them, and writes no file.

    Args:
        study: where the trials are kept.
        objective: name of a metric or a KerasTuner Objective, or several.
        **options: of every KerasTuner Oracle.

    Raises:
        ConfigError: the objective is not the study's.
    """

    hyperparameters: Any
    """The space, as of every Oracle."""

    def __init__(self, study: Study, objective: Any, **options: Any):
        self.objectives = objectives.parsed(objective)
        objectives.check_directions(self.objectives, study.directions)
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
        """Know the hyperparameters that all workers know, in the same order."""
        if not (self.tune_new_entries and self.allow_new_entries):
            return
        if (stored := self.study.space) == self._shared and stored is not None:
            own = len(self.hyperparameters.space)
            if own == len(stored["space"]):
                return
        self._shared = self.study.extend(
            lambda stored: {
                **told.merged(stored, self.hyperparameters).get_config(),
                "values": {},
            }
        )
        self.hyperparameters = told.merged(self._shared, self.hyperparameters)

    def _read(self, plans: Sequence[Plan] | None = None) -> None:
        """Know the trials that the study has, those of other workers and processes included.

        Args:
            plans: what was read a moment ago; by default the study is read.
        """
        plans = self.study.plans() if plans is None else plans
        for plan in plans:
            trial_id = str(plan.index)
            known = self.trials.get(trial_id)
            if trial_id not in self._ongoing and (known is None or known.status not in ENDED):
                self.trials[trial_id] = told.trial(plan, self.objectives, self.study.attempts)
        self.start_order = told.begun(plans)
        self.end_order = told.ended(plans, self.study.attempts)

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Return the best trials of the study, whoever ran them."""
        self._read()
        found = super().get_best_trials(num_trials)
        for trial in found:
            if not trial.hyperparameters.space:  # another process ran it
                space = self.get_space()
                space.values = trial.hyperparameters.values
                told.complete(space)
                trial.hyperparameters = space
        return found

    def remaining_trials(self) -> int:
        """Return how many planned trials nobody has begun."""
        self._read()
        return super().remaining_trials()

    def save(self) -> None:
        """Write nothing: the study is the truth."""

    def reload(self) -> None:
        """Read the study, which is the truth, and no file of KerasTuner's."""
        if self.study.space is not None:
            self._share_space()
        self._read()
