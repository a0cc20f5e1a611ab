"""KerasTuner's Oracle over a study: its interface, and nothing of its files."""

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from fashion_zoo.config import Pruner, Sampler
from fashion_zoo.tuning.study import Attempt, Study
from fashion_zoo.tuning.suggesting import Suggestions

_IDLE = 0.5  # seconds between two looks at a study in which others still run


@dataclasses.dataclass
class _Ongoing:
    """What is known of a trial while it runs."""

    attempt: Attempt
    end: Callable[[], None]
    """Ends its signs of life."""
    reports: int = 0
    step: int = -1
    finals: list[float] = dataclasses.field(default_factory=list)
    """The objective after the last epoch of each execution."""
    stopped: bool = False
    broken: bool = False


def _timed(call: Callable[..., Any]) -> Callable[..., Any]:
    """Add the seconds of a call to what the oracle has spent."""

    @functools.wraps(call)
    def timed(oracle: "StudyOracle", *arguments: Any, **keywords: Any) -> Any:
        start = time.perf_counter()
        try:
            return call(oracle, *arguments, **keywords)
        finally:
            oracle.spent += time.perf_counter() - start

    return timed


class StudyOracle(keras_tuner.Oracle):
    """An Oracle whose truth is a ``Study``: it can be killed at any moment and loses no trial.

    Several processes may each have one over the same study. The first trial has the defaults of
    the hyperparameters. A trial whose objective is not a finite number is finished with the worst
    score that there is and a mark.

    Args:
        study: where the trials are kept.
        objective: name of the metric; accuracies are maximized, losses minimized. Of several, the
            first is what a trial reports after each epoch, and the others are KerasTuner
            Objectives. Their directions are the study's.
        sampler: tpe, random or quasi_random.
        pruner: asha, median or none; it sees what ``update_trial`` reports of each epoch. With
            several objectives nothing is pruned.
        epochs: epochs of an execution, where they are known: the last one is never pruned, and asha
            looks first after a ninth of them. Later executions of a trial are not pruned.
        seed: key of the sampler; with one worker the same seed gives the same trials.
        seconds: no trial is begun after so many seconds of this worker.
        patience: no trial is begun after so many in a row without a better score.
        verbose: whether KerasTuner prints each trial.

    Raises:
        ConfigError: an unknown sampler or pruner, or a pruner beside several objectives.

    Example:
        ```python
        study = tuning.Study("sqlite:///search.db", "widths", fingerprint={}, trials=40)
        tuner = keras_tuner.Tuner(tuning.StudyOracle(study, "val_accuracy"), hypermodel)
        tuner.search(x, y, validation_data=(u, v), epochs=5)
        ```
    """

    def __init__(
        self,
        study: Study,
        objective: str | Sequence[Any] = "val_accuracy",
        *,
        sampler: Sampler = "tpe",
        pruner: Pruner = "asha",
        epochs: int | None = None,
        seed: int = 0,
        seconds: float | None = None,
        patience: int | None = None,
        verbose: bool = False,
    ):
        names: list[Any] = [objective] if isinstance(objective, str) else list(objective)
        first, *costs = names
        super().__init__(objective=first, max_trials=study.trials, seed=seed)
        self.costs = costs
        """The objectives beside the first."""
        self.seed = seed  # KerasTuner takes 0 for none
        self.study = study
        self.suggestions = Suggestions(study, sampler, pruner, seed, epochs)
        self.spent = 0.0
        """Seconds in this oracle and its study, waiting for other workers aside."""
        self.verbose = int(verbose)
        self.epochs = epochs
        self.patience = patience
        self.idle: Callable[[], None] = lambda: None
        """Called again and again while other workers run what is left."""
        self._ongoing: dict[str, _Ongoing] = {}
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds

    def create_trial(self, tuner_id: str) -> Trial:
        """Return a trial to run; or one that says idle, or that the search is over."""
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        trial = self._next(tuner_id)
        if trial.status == TrialStatus.IDLE:
            self.idle()
            time.sleep(_IDLE)  # the tuner asks again at once
        return trial

    @_timed
    def _next(self, tuner_id: str) -> Trial:
        attempt = "done" if self._is_enough() else self.study.claim()
        if not isinstance(attempt, Attempt):
            status = TrialStatus.IDLE if attempt == "wait" else TrialStatus.STOPPED
            return Trial(self.get_space(), trial_id="", status=status)
        space = self.get_space()
        space.values = self.suggestions.ask(attempt, space)
        trial = Trial(space, trial_id=str(attempt.index), status=TrialStatus.RUNNING)
        self._ongoing[trial.trial_id] = _Ongoing(attempt, self.study.keep_alive(attempt))
        self.trials[trial.trial_id] = trial
        self.ongoing_trials[tuner_id] = trial
        self._display.on_trial_begin(trial)
        return trial

    def _is_enough(self) -> bool:
        """Whether the budget is spent."""
        if time.monotonic() >= self._deadline:
            return True
        if self.patience is None:
            return False
        scores = [plan.score for plan in self.study.plans() if plan.score is not None]
        if not scores:
            return False
        best = max(scores) if self.objective.direction == "max" else min(scores)
        return len(scores) - 1 - scores.index(best) >= self.patience

    @_timed
    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> Trial:
        """Keep the metrics of an epoch; the trial that comes back says whether to stop.

        Args:
            trial_id: which trial.
            metrics: the objective, and whatever else there is; or the costs alone.
            step: the epoch, from 0. A step that does not follow the last one is the first of
                another execution, whose last epoch is averaged with those before it.
        """
        trial, ongoing = self.trials[trial_id], self._ongoing[trial_id]
        directions = {one.name: one.direction for one in (self.objective, *self.costs)}
        for name, value in metrics.items():
            if not math.isfinite(value):
                continue
            if not trial.metrics.exists(name):
                trial.metrics.register(name, direction=directions.get(name, "max"))
            trial.metrics.update(name, value, step=step)
        if (reached := metrics.get(self.objective.name)) is None:
            return trial
        if step > ongoing.step:
            ongoing.finals = ongoing.finals[:-1]
        ongoing.finals.append(reached)
        ongoing.step, ongoing.reports = step, ongoing.reports + 1
        ongoing.broken = ongoing.broken or not math.isfinite(reached)
        if not self._goes_on(ongoing, reached):
            trial.status, ongoing.stopped = TrialStatus.STOPPED, True
        return trial

    def _goes_on(self, ongoing: _Ongoing, reached: float) -> bool:
        attempt = ongoing.attempt
        if ongoing.broken or not self.study.report(attempt, ongoing.reports, reached):
            return False
        if len(ongoing.finals) > 1 or ongoing.step + 1 == self.epochs:
            return True
        return not self.suggestions.should_prune(attempt)

    @_timed
    def end_trial(self, trial: Trial) -> None:
        """Finish a trial: completed, pruned, or failed with the worst score and a mark."""
        ongoing = self._ongoing.pop(trial.trial_id)
        ongoing.end()
        known = self.trials[trial.trial_id]
        known.status, known.message = trial.status, trial.message
        whole = known.status == TrialStatus.COMPLETED and not ongoing.broken and ongoing.finals
        if whole:
            known.score, known.best_step = sum(ongoing.finals) / len(ongoing.finals), ongoing.step
        else:
            known.score, known.status = self._worst(0), TrialStatus.COMPLETED
            reason = (trial.message or "").strip().splitlines()
            self.study.note(ongoing.attempt, "mark", reason[-1] if reason else "not finite")
        values = [known.score, *(self._cost(known, number) for number in range(len(self.costs)))]
        self.study.tell(ongoing.attempt, values, pruned=bool(whole and ongoing.stopped))
        for tuner in [one for one, other in self.ongoing_trials.items() if other is known]:
            del self.ongoing_trials[tuner]
        self._display.on_trial_end(known)

    def _worst(self, number: int) -> float:
        """Return the worst finite value of an objective that is known; 0 where there is none."""
        values = [plan.outcome.values[number] for plan in self.study.plans() if plan.outcome]
        if [self.objective, *self.costs][number].direction == "max":
            return min([0.0, *values])
        return max(values, default=0.0)

    def _cost(self, trial: Trial, number: int) -> float:
        """Return what a trial costs; the worst, where it broke before that was known."""
        name = self.costs[number].name
        if not trial.metrics.exists(name):
            return self._worst(number + 1)
        return float(trial.metrics.get_history(name)[-1].mean())

    def return_trials(self) -> None:
        """Give back what is not finished, for others or for a next call."""
        for ongoing in self._ongoing.values():
            ongoing.end()
            self.study.give_back(ongoing.attempt)
        self._ongoing.clear()
        self.ongoing_trials.clear()

    def save(self) -> None:
        """Write nothing: the study is the truth."""

    def reload(self) -> None:
        """Read nothing: the study is the truth."""
