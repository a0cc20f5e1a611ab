"""A KerasTuner Oracle that keeps its trials in a study."""

import functools
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus
from optuna.exceptions import UpdateFinishedTrialError

from fashion_zoo.config import Pruner, Sampler
from fashion_zoo.errors import ConfigError
from fashion_zoo.tuning.base_oracle import BaseOracle, FailuresError, Ongoing, complete, missing
from fashion_zoo.tuning.plans import Attempt, since_best
from fashion_zoo.tuning.sampling import Suggestions
from fashion_zoo.tuning.study import Study
from fashion_zoo.tuning.workers import keep_alive

_IDLE = 0.5  # seconds between two reads of a study while other workers run its last trials
_UNSCORED = (TrialStatus.INVALID, TrialStatus.FAILED)


def _synchronized(call: Callable[..., Any]) -> Callable[..., Any]:
    """Run one call at a time, and add its seconds to ``spent``."""

    @functools.wraps(call)
    def synchronized(oracle: "StudyOracle", *arguments: Any, **keywords: Any) -> Any:
        start = time.perf_counter()
        with oracle._mutex:  # KerasTuner's own decorator keeps its lock after an error
            try:
                return call(oracle, *arguments, **keywords)
            finally:
                oracle.spent += time.perf_counter() - start

    return synchronized


class StudyOracle(BaseOracle):
    """A KerasTuner Oracle that keeps its trials in a ``Study``, and loses none if it is killed.

    Several processes may each have an oracle over the same study, which shows the trials of all.
    The first trial has the default hyperparameters; those that are added while a trial runs are
    tuned from the next trial on. A trial without a finite score has no value: it is retried
    ``max_retries_per_trial`` times, and then has failed.

    Args:
        study: the study that keeps the trials.
        objective: name of a metric (accuracies are maximized, losses minimized) or a KerasTuner
            Objective, or several. The first is reported after each epoch. Their directions must be
            those of the study.
        sampler: tpe, random or quasi_random.
        pruner: asha, median or none; it uses the reports of ``update_trial``. Several objectives
            are not pruned.
        epochs: epochs of an execution, if known: after the last one nothing is pruned, and asha
            prunes first after a ninth of them. Only the first execution of a trial is pruned.
        seed: seed of the sampler; with one worker the same seed gives the same trials.
        seconds: after so many seconds this worker starts no trial.
        patience: no trial is started after so many in a row without a better score.
        verbose: whether KerasTuner prints each trial.
        **options: ``hyperparameters``, ``allow_new_entries``, ``tune_new_entries``,
            ``max_retries_per_trial`` and ``max_consecutive_failed_trials`` (of this worker; None
            for no limit), as of every KerasTuner Oracle.

    Raises:
        ConfigError: if the sampler or pruner is unknown, there is a pruner beside several
            objectives, or the directions of the objectives are not those of the study.

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
        objective: Any = "val_accuracy",
        *,
        sampler: Sampler = "tpe",
        pruner: Pruner = "asha",
        epochs: int | None = None,
        seed: int = 0,
        seconds: float | None = None,
        patience: int | None = None,
        verbose: bool = False,
        **options: Any,
    ):
        super().__init__(study, objective, seed=seed, **options)
        self.seed = seed  # KerasTuner replaces 0 by a random seed
        self.suggestions = Suggestions(study, sampler, pruner, seed, epochs)
        self.spent = 0.0
        """Seconds spent in this oracle and its study, without waiting for other workers."""
        self.verbose = int(verbose)
        self.epochs = epochs
        self.patience = patience
        self.idle: Callable[[], None] = lambda: None
        """Called repeatedly while other workers run the last trials."""
        self._failures = 0
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds
        self._mutex = threading.RLock()

    def create_trial(self, tuner_id: str) -> Trial:
        """Return a trial to run, or one with status IDLE or STOPPED."""
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        trial = self._next(tuner_id)
        if trial.status == TrialStatus.IDLE:
            self.idle()
            time.sleep(_IDLE)  # the tuner calls again at once
        return trial

    @_synchronized
    def _next(self, tuner_id: str) -> Trial:
        attempt = "done" if self._is_over_budget() else self.study.claim()
        if not isinstance(attempt, Attempt):
            status = TrialStatus.IDLE if attempt == "wait" else TrialStatus.STOPPED
            return Trial(self.get_space(), trial_id="", status=status)
        self._sync_space()
        trial_id, space = str(attempt.index), self.get_space()
        end = keep_alive(lambda beat: self.study.note(attempt, "beat", beat), self.study.lease)
        self._ongoing[trial_id] = Ongoing(attempt, end, len(space.space))
        try:
            response = self.populate_space(trial_id)
        except UpdateFinishedTrialError:  # another worker took it over while this one was paused
            self._ongoing.pop(trial_id).end()
            return Trial(self.get_space(), trial_id="", status=TrialStatus.IDLE)
        trial = Trial(space, trial_id=trial_id, status=response["status"])
        if trial.status != TrialStatus.RUNNING:
            self._requeue(trial_id)
            return trial
        space.values = dict(response["values"])
        complete(space)
        self._record_values(trial)
        self.trials[trial_id] = trial
        self.ongoing_trials[tuner_id] = trial
        self._refresh()
        self._display.on_trial_begin(trial)
        return trial

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the suggested values of a new trial."""
        values = self.suggestions.ask(self._ongoing[trial_id].attempt, self.get_space())
        return {"status": TrialStatus.RUNNING, "values": values}

    def _is_over_budget(self) -> bool:
        """Whether the seconds or the patience are used up."""
        is_over = time.monotonic() >= self._deadline
        if is_over or self.patience is None:
            return is_over
        maximized = self.objective.direction == "max"
        return since_best(self.study.plans(), maximized=maximized) >= self.patience

    @_synchronized
    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> Trial:
        """Store the metrics of an epoch; return the trial, with status STOPPED to prune it.

        Args:
            trial_id: id of the trial.
            metrics: the objective and other metrics, or only costs.
            step: epoch from 0; a step that does not follow the last one starts an execution.

        Raises:
            SearchError: if neither the objective nor a cost is among the metrics.
        """
        trial, ongoing = self.trials[trial_id], self._ongoing[trial_id]
        directions = {one.name: one.direction for one in self.objectives}
        if not directions.keys() & metrics.keys():
            raise missing(self.objective, metrics)
        for name, value in metrics.items():
            if not math.isfinite(value):
                continue
            if not trial.metrics.exists(name):
                trial.metrics.register(name, direction=directions.get(name))
            trial.metrics.update(name, value, step=step)
        if (reached := metrics.get(self.objective.name)) is None:
            return trial
        ongoing.add(float(reached), step)
        if not self._should_continue(ongoing, reached):
            trial.status, ongoing.stopped = TrialStatus.STOPPED, True
        return trial

    def _should_continue(self, ongoing: Ongoing, reached: float) -> bool:
        attempt = ongoing.attempt
        if ongoing.diverged or not self.study.report(attempt, ongoing.reports, reached):
            return False
        if len(ongoing.finals) > 1 or ongoing.step + 1 == self.epochs:
            return True
        return not self.suggestions.should_prune(attempt)

    @_synchronized
    def end_trial(self, trial: Trial) -> None:
        """Finish a trial: completed, pruned, to be retried, or failed.

        Raises:
            SearchError: if a completed trial has not reported every objective.
            FailuresError: if too many trials in a row have failed.
        """
        if trial.trial_id not in self._ongoing:
            raise ConfigError(f"Trial {trial.trial_id!r} is not running in this process.")
        known, ongoing = self.trials[trial.trial_id], self._ongoing[trial.trial_id]
        known.hyperparameters = trial.hyperparameters
        known.status, known.message = trial.status, trial.message
        self._add_hyperparameters(known, ongoing)
        values: list[float] = []
        if known.status not in _UNSCORED and not ongoing.diverged:
            for one in self.objectives:
                if not known.metrics.exists(one.name):
                    self._requeue(known.trial_id)
                    raise missing(one, known.metrics.metrics)
            self.score_trial(known)
            values = [known.score, *(known.metrics.get_last_value(one.name) for one in self.costs)]
        del self._ongoing[known.trial_id]
        ongoing.end()
        if values and all(map(math.isfinite, values)):
            known.status, self._failures = TrialStatus.COMPLETED, 0
            mine = self.study.tell(ongoing.attempt, values, pruned=ongoing.stopped)
        else:
            mine = self._fail_or_retry(known, ongoing.attempt)
        self._record_values(known)
        self._detach(known.trial_id)
        if known.status != TrialStatus.INVALID:
            self.end_order.append(known.trial_id)
        if not mine:  # another worker took it over
            del self.trials[known.trial_id]
            self._refresh()
        self._display.on_trial_end(known)
        if known.status == TrialStatus.FAILED:
            self._failures += 1
            if self._failures == self.max_consecutive_failed_trials:
                raise FailuresError(
                    f"Number of consecutive failures reached {self._failures}, the limit of a "
                    "search. The last trial failed: "
                    f"{known.message or 'its score is not a finite number'}"
                )

    def score_trial(self, trial: Trial) -> None:
        """Score a trial by the mean over its executions, each after its last epoch."""
        ongoing = self._ongoing.get(trial.trial_id)
        if ongoing is None or not ongoing.finals:
            super().score_trial(trial)
        else:
            trial.score = sum(ongoing.finals) / len(ongoing.finals)
            trial.best_step = ongoing.step

    def _fail_or_retry(self, known: Trial, attempt: Attempt) -> bool:
        """Requeue a trial without a score for a retry, or fail it."""
        known.score = None
        reason = (known.message or "").strip().splitlines()
        mark = reason[-1] if reason else "not finite"
        earlier = self.study.plans()[attempt.index].attempts
        retries = sum("failed" in one.user_attrs for one in earlier)
        # As in KerasTuner a failed trial is not retried; one that completed without a score is.
        if known.status != TrialStatus.FAILED and retries < self.max_retries_per_trial:
            known.status = TrialStatus.INVALID
            return self.study.give_back(attempt, mark)
        known.status = TrialStatus.FAILED
        return self.study.fail(attempt, mark)

    def _add_hyperparameters(self, known: Trial, ongoing: Ongoing) -> None:
        """Tune the hyperparameters that this trial has added."""
        if known.hyperparameters.space[ongoing.known :]:
            self.update_space(known.hyperparameters)
            if self.tune_new_entries:
                self.suggestions.store(ongoing.attempt, known.hyperparameters)
                self._sync_space()

    def _requeue(self, trial_id: str) -> None:
        ongoing = self._ongoing.pop(trial_id)
        ongoing.end()
        self.study.give_back(ongoing.attempt)
        self._detach(trial_id)

    def _detach(self, trial_id: str) -> None:
        """Remove a trial from the ongoing trials of its tuner."""
        for tuner, trial in list(self.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                del self.ongoing_trials[tuner]

    def return_trials(self) -> None:
        """Requeue the unfinished trials, for other workers or a later call."""
        for trial_id in list(self._ongoing):
            self._requeue(trial_id)
