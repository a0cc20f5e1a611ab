"""Planned trials of a study, each with its attempts."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState

from fashion_zoo.show.trials import Counts

_SETTLED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclasses.dataclass(frozen=True)
class Attempt:
    """An attempt that this worker runs."""

    key: int
    """Id of the Optuna trial."""
    index: int
    """Index of the planned trial, from 0."""
    values: dict[str, Any] | None
    """Hyperparameters of an earlier attempt; None if none was fully sampled."""


def has_failed(trial: FrozenTrial) -> bool:
    """Whether a trial is finished without a score."""
    return "mark" in trial.user_attrs and trial.state != TrialState.RUNNING


@dataclasses.dataclass(frozen=True)
class Plan:
    """A planned trial: its index and its attempts, the oldest first."""

    index: int
    attempts: tuple[FrozenTrial, ...]
    limit: int
    """Number of attempts with a dead worker after which the trial has failed."""

    @property
    def status(self) -> Literal["completed", "pruned", "failed", "running", "waiting"]:
        """Status of the trial; one that waits has not started, or is to be retried."""
        if found := self.outcome:
            if has_failed(found):
                return "failed"
            return "pruned" if found.state == TrialState.PRUNED else "completed"
        if self.running:
            return "running"
        return "failed" if self.deaths >= self.limit else "waiting"

    @property
    def outcome(self) -> FrozenTrial | None:
        """The attempt that completed, was pruned or failed without a score, if there is one."""
        return next(
            (one for one in self.attempts if one.state in _SETTLED or has_failed(one)), None
        )

    @property
    def score(self) -> float | None:
        """The first objective of a completed or pruned trial."""
        found = self.outcome
        return found.values[0] if found and not has_failed(found) else None

    @property
    def completed(self) -> FrozenTrial | None:
        """The attempt that completed, if one did."""
        return self.outcome if self.status == "completed" else None

    @property
    def running(self) -> FrozenTrial | None:
        """The attempt that is running, if there is one."""
        return next((one for one in self.attempts if one.state == TrialState.RUNNING), None)

    @property
    def deaths(self) -> int:
        """Number of attempts whose worker died."""
        failed = [one for one in self.attempts if one.state == TrialState.FAIL]
        return sum("returned" not in one.user_attrs for one in failed)


def count(plans: Sequence[Plan], planned: int) -> Counts:
    """Count the trials by status."""
    of = Counter(plan.status for plan in plans)
    return Counts(planned, of["completed"], of["pruned"], of["running"], of["failed"])


def since_best(plans: Sequence[Plan], *, maximized: bool) -> int:
    """Return the number of trials finished after the best one; 0 if none has a score."""
    scores = [plan.score for plan in plans if plan.outcome]
    known = [score for score in scores if score is not None]
    if not known:
        return 0
    return len(scores) - 1 - scores.index(max(known) if maximized else min(known))
