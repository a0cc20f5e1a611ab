"""What a study plans: trials, each with the attempts at it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from fashion_zoo.show.trials import Counts

_SETTLED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A trial that this worker has to run."""

    key: int
    """Key of the Optuna trial."""
    index: int
    """Which planned trial it is, from 0."""
    values: dict[str, Any] | None
    """The parameters, where an attempt before it had them all."""


def is_broken(trial: FrozenTrial) -> bool:
    """Whether a trial ended without a score."""
    return "mark" in trial.user_attrs and trial.state != TrialState.RUNNING


@dataclasses.dataclass(frozen=True)
class Plan:
    """A planned trial and its attempts, the oldest first."""

    index: int
    attempts: tuple[FrozenTrial, ...]

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
    def broken(self) -> bool:
        """Whether it finished without a score."""
        return self.outcome is not None and is_broken(self.outcome)

    @property
    def whole(self) -> FrozenTrial | None:
        """The attempt that finished, if it was trained to its end and has a score."""
        found = self.outcome
        complete = found and found.state == TrialState.COMPLETE and not is_broken(found)
        return found if complete else None

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


def count(plans: Sequence[Plan], planned: int, attempts: int) -> Counts:
    """Count the trials of each kind."""
    outcomes = [plan.outcome for plan in plans if plan.outcome]
    marked = sum(plan.broken for plan in plans)
    pruned = sum(one.state.name == "PRUNED" for one in outcomes)
    lost = sum(
        plan.outcome is None and plan.running is None and plan.deaths >= attempts for plan in plans
    )
    running = sum(plan.outcome is None and plan.running is not None for plan in plans)
    done = len(outcomes) - marked - pruned
    return Counts(planned, done, pruned, running, marked + lost)


def since_best(plans: Sequence[Plan], *, maximized: bool) -> int:
    """Return how many trials ended after the best one; 0 where none has a score."""
    scores = [plan.score for plan in plans if plan.outcome]
    known = [score for score in scores if score is not None]
    if not known:
        return 0
    return len(scores) - 1 - scores.index(max(known) if maximized else min(known))
