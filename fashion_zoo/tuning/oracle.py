"""KerasTuner's Oracle over a study: its interface, and nothing of its files."""

import math
import time
from collections.abc import Callable

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from fashion_zoo.config import Pruner, Sampler
from fashion_zoo.tuning.study import Attempt, Study
from fashion_zoo.tuning.suggesting import Suggestions

_IDLE = 0.5  # seconds between two looks at a study in which others still run


class StudyOracle(keras_tuner.Oracle):
    """An Oracle whose truth is a ``Study``: it can be killed at any moment and loses no trial.

    Several processes may each have one over the same study. The first trial has the defaults of
    the hyperparameters. A trial whose objective is not a finite number is finished with the worst
    score that there is and a mark.

    Args:
        study: where the trials are kept.
        objective: name of the metric; accuracies are maximized, losses minimized.
        sampler: tpe, random or quasi_random.
        pruner: asha, median or none; it sees what ``update_trial`` reports of each epoch.
        epochs: epochs of a trial, where they are known: the last one is never pruned, and asha
            looks first after a ninth of them.
        seed: key of the sampler; with one worker the same seed gives the same trials.
        seconds: no trial is begun after so many seconds of this worker.
        patience: no trial is begun after so many in a row without a better score.
        verbose: whether KerasTuner prints each trial.

    Raises:
        ConfigError: an unknown sampler or pruner.

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
        objective: str = "val_accuracy",
        *,
        sampler: Sampler = "tpe",
        pruner: Pruner = "asha",
        epochs: int | None = None,
        seed: int = 0,
        seconds: float | None = None,
        patience: int | None = None,
        verbose: bool = False,
    ):
        super().__init__(objective=objective, max_trials=study.trials, seed=seed)
        self.seed = seed  # KerasTuner takes 0 for none
        self.study = study
        self.suggestions = Suggestions(study, sampler, pruner, seed, epochs)
        self.attempts: dict[str, Attempt] = {}
        self.stopped: set[str] = set()
        self.broken: set[str] = set()
        self._ends: dict[str, Callable[[], None]] = {}  # of the signs of life
        self.verbose = int(verbose)
        self.epochs = epochs
        self.patience = patience
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds

    def create_trial(self, tuner_id: str) -> Trial:
        """Return a trial to run; or one that says idle, or that the search is over."""
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        attempt = "done" if self._is_enough() else self.study.claim()
        if not isinstance(attempt, Attempt):
            if attempt == "wait":
                time.sleep(_IDLE)  # the tuner asks again at once
            status = TrialStatus.IDLE if attempt == "wait" else TrialStatus.STOPPED
            return Trial(self.get_space(), trial_id="", status=status)
        space = self.get_space()
        space.values = self.suggestions.ask(attempt, space)
        trial = Trial(space, trial_id=str(attempt.index), status=TrialStatus.RUNNING)
        self._ends[trial.trial_id] = self.study.keep_alive(attempt)
        self.attempts[trial.trial_id] = attempt
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
        outcomes = [plan.outcome for plan in self.study.plans()]
        scores = [one.value for one in outcomes if one]
        if not scores:
            return False
        best = max(scores) if self.objective.direction == "max" else min(scores)
        return len(scores) - 1 - scores.index(best) >= self.patience

    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> Trial:
        """Keep the metrics of an epoch; the trial that comes back says whether to stop.

        Args:
            trial_id: which trial.
            metrics: the objective, and whatever else there is.
            step: the epoch, from 0.
        """
        trial, attempt = self.trials[trial_id], self.attempts[trial_id]
        for name, value in metrics.items():
            if not math.isfinite(value):
                continue
            if not trial.metrics.exists(name):
                trial.metrics.register(name, direction=self._direction(name))
            trial.metrics.update(name, value, step=step)
        value = metrics[self.objective.name]
        if not math.isfinite(value):
            self.broken.add(trial_id)
        going_on = math.isfinite(value) and self.study.report(attempt, step + 1, value)
        last = step + 1 == self.epochs
        if not going_on or (not last and self.suggestions.should_prune(attempt)):
            trial.status = TrialStatus.STOPPED
            self.stopped.add(trial_id)
        return trial

    def _direction(self, name: str) -> str:
        return self.objective.direction if name == self.objective.name else "max"

    def end_trial(self, trial: Trial) -> None:
        """Finish a trial: completed, pruned, or failed with the worst score and a mark."""
        self._ends.pop(trial.trial_id)()
        attempt = self.attempts.pop(trial.trial_id)
        known = self.trials[trial.trial_id]
        pruned = trial.trial_id in self.stopped
        known.status, known.message = trial.status, trial.message
        whole = known.status == TrialStatus.COMPLETED and known.trial_id not in self.broken
        if whole and known.metrics.exists(self.objective.name):
            self.score_trial(known)
        else:
            known.score, known.status = self._worst(), TrialStatus.COMPLETED
            reason = (trial.message or "").strip().splitlines()
            self.study.note(attempt, "mark", reason[-1] if reason else "not finite")
            pruned = False
        self.study.tell(attempt, [known.score], pruned=pruned)
        for tuner in [one for one, other in self.ongoing_trials.items() if other is known]:
            del self.ongoing_trials[tuner]
        self._display.on_trial_end(known)

    def score_trial(self, trial: Trial) -> None:
        """Score a trial by its last epoch, which is what training with its values gives."""
        history = trial.metrics.get_history(self.objective.name)
        last = max(history, key=lambda entry: entry.step)
        trial.score, trial.best_step = float(last.mean()), last.step

    def _worst(self) -> float:
        """Return the worst finite score that is known; 0 where there is none."""
        outcomes = [plan.outcome for plan in self.study.plans()]
        scores = [one.value for one in outcomes if one and one.value is not None]
        if self.objective.direction == "max":
            return min([0.0, *scores])
        return max(scores, default=0.0)

    def return_trials(self) -> None:
        """Give back what is not finished, for others or for a next call."""
        for trial_id, attempt in self.attempts.items():
            self._ends.pop(trial_id)()
            self.study.give_back(attempt)
        self.attempts.clear()
        self.ongoing_trials.clear()

    def save(self) -> None:
        """Write nothing: the study is the truth."""

    def reload(self) -> None:
        """Read nothing: the study is the truth."""
