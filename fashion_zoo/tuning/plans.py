"""The planned trials of a study, each with the attempts at it."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from optuna.trial import FrozenTrial, TrialState

from fashion_zoo.show.trials import Counts

_SETTLED = (TrialState.COMPLETE, TrialState.PRUNED)


class Attempt(NamedTuple):
    """An attempt at a trial that this worker runs."""

    key: int
    """Id of the Optuna trial."""
    index: int
    """Index of the planned trial, from 0."""
    values: dict[str, Any] | None
    """The hyperparameters, where an earlier attempt had them all."""


def is_broken(trial: FrozenTrial) -> bool:
    """Whether a trial ended without a score."""
    return "mark" in trial.user_attrs and trial.state != TrialState.RUNNING


@dataclasses.dataclass(frozen=True)
class Plan:
    """A planned trial and its attempts, the oldest first."""

    index: int
    attempts: tuple[FrozenTrial, ...]
    limit: int
    """After how many attempts that died with their workers it has failed."""

    @property
    def status(self) -> Literal["completed", "pruned", "failed", "running", "waiting"]:
        """Where the trial stands; one that waits is not yet begun, or is to be tried again."""
        if found := self.outcome:
            if is_broken(found):
                return "failed"
            return "pruned" if found.state == TrialState.PRUNED else "completed"
        if self.running:
            return "running"
        return "failed" if self.deaths >= self.limit else "waiting"

    @property
    def outcome(self) -> FrozenTrial | None:
        """The attempt that finished, if one did: with a score, or broken."""
        return next((one for one in self.attempts if one.state in _SETTLED or is_broken(one)), None)

    @property
    def score(self) -> float | None:
        """Its first objective, if it finished with one."""
        found = self.outcome
        return found.values[0] if found and not is_broken(found) else None

    @property
    def whole(self) -> FrozenTrial | None:
        """The attempt that finished, if it was trained to its end and has a score."""
        return self.outcome if self.status == "completed" else None

    @property
    def running(self) -> FrozenTrial | None:
        """The attempt that is running, if one is."""
        return next((one for one in self.attempts if one.state == TrialState.RUNNING), None)

    @property
    def deaths(self) -> int:
        """How many attempts died with their workers."""
        failed = [one for one in self.attempts if one.state == TrialState.FAIL]
        return sum("returned" not in one.user_attrs for one in failed)

    @property
    def failures(self) -> int:
        """How many attempts were given back because they had no score."""
        return sum("failed" in one.user_attrs for one in self.attempts)


def count(plans: Sequence[Plan], planned: int) -> Counts:
    """Count the trials of each status."""
    of = Counter(plan.status for plan in plans)
    return Counts(planned, of["completed"], of["pruned"], of["running"], of["failed"])


def since_best(plans: Sequence[Plan], *, maximized: bool) -> int:
    """Return how many trials ended after the best one; 0 where none has a score."""
    scores = [plan.score for plan in plans if plan.outcome]
    known = [score for score in scores if score is not None]
    if not known:
        return 0
    return len(scores) - 1 - scores.index(max(known) if maximized else min(known))
