"""KerasTuner's Oracle over a study: its interface, and nothing of its files."""

import functools
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from fashion_zoo.config import Pruner, Sampler
from fashion_zoo.errors import ConfigError
from fashion_zoo.tuning.mirror import ENDED, FailuresError, Ongoing, StudyMirror, complete, missing
from fashion_zoo.tuning.plans import Attempt, since_best
from fashion_zoo.tuning.sampling import Suggestions
from fashion_zoo.tuning.study import Study

_IDLE = 0.5  # seconds between two looks at a study in which others still run
_BROKEN = (TrialStatus.INVALID, TrialStatus.FAILED)


def _alone(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let one thread at a time in, and add the seconds of a call to what the oracle has spent."""

    @functools.wraps(call)
    def alone(oracle: "StudyOracle", *arguments: Any, **keywords: Any) -> Any:
        start = time.perf_counter()
        with oracle._one:  # KerasTuner's own decorator stays locked after an error
            try:
                return call(oracle, *arguments, **keywords)
            finally:
                oracle.spent += time.perf_counter() - start

    return alone


class StudyOracle(StudyMirror):
    """An Oracle whose truth is a ``Study``: it can be killed at any moment and loses no trial.

    Several processes may each have one over the same study, and each knows the trials of all. The
    first trial has the defaults of the hyperparameters; those that first appear while a trial runs
    are tuned from the next one on. A trial without a finite score has no value: it is tried again
    as often as ``max_retries_per_trial`` says, and then failed.

    Args:
        study: where the trials are kept.
        objective: name of the metric; accuracies are maximized, losses minimized. Or a KerasTuner
            Objective. Of several, the first is what a trial reports after each epoch. Their
            directions are the study's.
        sampler: tpe, random or quasi_random.
        pruner: asha, median or none; it sees what ``update_trial`` reports of each epoch. With
            several objectives nothing is pruned.
        epochs: epochs of an execution, where they are known: the last one is never pruned, and asha
            looks first after a ninth of them. Later executions of a trial are not pruned.
        seed: key of the sampler; with one worker the same seed gives the same trials.
        seconds: no trial is begun after so many seconds of this worker.
        patience: no trial is begun after so many in a row without a better score.
        verbose: whether KerasTuner prints each trial.
        max_consecutive_failed_trials: the search ends after so many of this worker; None never.
        **options: ``hyperparameters``, ``allow_new_entries``, ``tune_new_entries`` and
            ``max_retries_per_trial``, as of every KerasTuner Oracle.

    Raises:
        ConfigError: an unknown sampler or pruner, a pruner beside several objectives, or an
            objective that is not the study's.

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
        max_consecutive_failed_trials: int | None = 3,
        **options: Any,
    ):
        super().__init__(
            study,
            objective,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            seed=seed,
            **options,
        )
        self.seed = seed  # KerasTuner takes 0 for none
        self.suggestions = Suggestions(study, sampler, pruner, seed, epochs)
        self.spent = 0.0
        """Seconds in this oracle and its study, waiting for other workers aside."""
        self.verbose = int(verbose)
        self.epochs = epochs
        self.patience = patience
        self.idle: Callable[[], None] = lambda: None
        """Called again and again while other workers run what is left."""
        self._failures = 0
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds
        self._one = threading.RLock()

    def create_trial(self, tuner_id: str) -> Trial:
        """Return a trial to run; or one that says idle, or that the search is over."""
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        trial = self._next(tuner_id)
        if trial.status == TrialStatus.IDLE:
            self.idle()
            time.sleep(_IDLE)  # the tuner asks again at once
        return trial

    @_alone
    def _next(self, tuner_id: str) -> Trial:
        attempt = "done" if self._is_enough() else self.study.claim()
        if not isinstance(attempt, Attempt):
            status = TrialStatus.IDLE if attempt == "wait" else TrialStatus.STOPPED
            return Trial(self.get_space(), trial_id="", status=status)
        self._share_space()
        trial_id, space = str(attempt.index), self.get_space()
        end = self.study.keep_alive(attempt)
        self._ongoing[trial_id] = Ongoing(attempt, end, len(space.space))
        response = self.populate_space(trial_id)
        trial = Trial(space, trial_id=trial_id, status=response["status"])
        if trial.status != TrialStatus.RUNNING:
            self._give_back(trial_id)
            return trial
        space.values = dict(response["values"])
        complete(space)
        self._record_values(trial)
        self.trials[trial_id] = trial
        self.ongoing_trials[tuner_id] = trial
        self._read(self.study.seen)
        self._display.on_trial_begin(trial)
        return trial

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the values of a trial that begins, as the study suggests them."""
        values = self.suggestions.ask(self._ongoing[trial_id].attempt, self.get_space())
        return {"status": TrialStatus.RUNNING, "values": values}

    def _is_enough(self) -> bool:
        """Whether the budget is spent."""
        is_over = time.monotonic() >= self._deadline
        if is_over or self.patience is None:
            return is_over
        maximized = self.objective.direction == "max"
        return since_best(self.study.plans(), maximized=maximized) >= self.patience

    @_alone
    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> Trial:
        """Keep the metrics of an epoch; the trial that comes back says whether to stop.

        Args:
            trial_id: which trial.
            metrics: the objective, and whatever else there is; or some of the costs alone.
            step: the epoch, from 0; one that does not follow the last begins another execution.

        Raises:
            SearchError: neither the objective nor a cost is among the metrics.
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
        if not self._goes_on(ongoing, reached):
            trial.status, ongoing.stopped = TrialStatus.STOPPED, True
        return trial

    def _goes_on(self, ongoing: Ongoing, reached: float) -> bool:
        attempt = ongoing.attempt
        if ongoing.broken or not self.study.report(attempt, ongoing.reports, reached):
            return False
        if len(ongoing.finals) > 1 or ongoing.step + 1 == self.epochs:
            return True
        return not self.suggestions.should_prune(attempt)

    @_alone
    def end_trial(self, trial: Trial | str, status: str = TrialStatus.COMPLETED) -> None:
        """Finish a trial: completed, pruned, to be tried again, or failed.

        Args:
            trial: the trial with its status; or its number, as KerasTuner once had it.
            status: how it ended, where only its number is given.

        Raises:
            SearchError: it is completed, and some objective was never reported.
            FailuresError: too many in a row failed.
        """
        if isinstance(trial, str):
            trial = Trial(self.trials[trial].hyperparameters, trial, status)
        if trial.trial_id not in self._ongoing:
            raise ConfigError(f"Trial {trial.trial_id!r} does not run here, so it cannot be ended.")
        known, ongoing = self.trials[trial.trial_id], self._ongoing[trial.trial_id]
        known.hyperparameters = trial.hyperparameters
        known.status, known.message = trial.status, trial.message
        self._learn(known, ongoing)
        scored = known.status not in _BROKEN and not ongoing.broken
        if scored:
            for one in self.objectives:
                if not known.metrics.exists(one.name):
                    self._give_back(known.trial_id)
                    raise missing(one, known.metrics.metrics)
            self.score_trial(known)
        values = [known.score, *(self._cost(known, one.name) for one in self.costs)]
        del self._ongoing[known.trial_id]
        ongoing.end()
        if scored and all(map(math.isfinite, values)):
            known.status, self._failures = TrialStatus.COMPLETED, 0
            mine = self.study.tell(ongoing.attempt, values, pruned=ongoing.stopped)
        else:
            mine = self._break(known, ongoing.attempt)
        self._record_values(known)
        self._forget(known.trial_id)
        if known.status in ENDED:
            self.end_order.append(known.trial_id)
        if not mine:  # it was taken over, and the study knows how it ended
            del self.trials[known.trial_id]
            self._read()
        self._display.on_trial_end(known)
        if known.status == TrialStatus.FAILED:
            self._check_failures(known)

    def score_trial(self, trial: Trial) -> None:
        """Score a trial by the mean of what each execution reached last."""
        ongoing = self._ongoing.get(trial.trial_id)
        if ongoing is None or not ongoing.finals:
            super().score_trial(trial)
        else:
            trial.score = sum(ongoing.finals) / len(ongoing.finals)
            trial.best_step = ongoing.step

    def _break(self, known: Trial, attempt: Attempt) -> bool:
        """Give a trial without a score back to be tried again, or fail it."""
        known.score = None
        reason = (known.message or "").strip().splitlines()
        said = reason[-1] if reason else "not finite"
        plan = next(one for one in self.study.plans() if one.index == attempt.index)
        # A failed trial is not tried again; one that completed without a score is.
        if known.status != TrialStatus.FAILED and plan.failures < self.max_retries_per_trial:
            known.status = TrialStatus.INVALID
            return self.study.give_back(attempt, said)
        known.status = TrialStatus.FAILED
        return self.study.fail(attempt, said)

    def _check_failures(self, known: Trial) -> None:
        self._failures += 1
        if self._failures == self.max_consecutive_failed_trials:
            raise FailuresError(
                f"Number of consecutive failures reached {self._failures}, where a search ends. "
                f"The last trial said: {known.message or 'its score is not a finite number'}"
            )

    def _learn(self, known: Trial, ongoing: Ongoing) -> None:
        """Tune the hyperparameters that first appeared in this trial."""
        if known.hyperparameters.space[ongoing.known :]:
            self.update_space(known.hyperparameters)
            if self.tune_new_entries:
                self.suggestions.learn(ongoing.attempt, known.hyperparameters)
                self._share_space()

    def _cost(self, trial: Trial, name: str) -> float:
        """Return what a trial costs; not a number, where it broke before that was known."""
        return trial.metrics.get_last_value(name) if trial.metrics.exists(name) else math.nan

    def _give_back(self, trial_id: str) -> None:
        ongoing = self._ongoing.pop(trial_id)
        ongoing.end()
        self.study.give_back(ongoing.attempt)
        self._forget(trial_id)

    def _forget(self, trial_id: str) -> None:
        """End the hold of a tuner on a trial."""
        for tuner in [me for me, one in self.ongoing_trials.items() if one.trial_id == trial_id]:
            del self.ongoing_trials[tuner]

    def return_trials(self) -> None:
        """Give back what is not finished, for others or for a next call."""
        for trial_id in list(self._ongoing):
            self._give_back(trial_id)
