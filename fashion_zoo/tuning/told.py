"""What a study tells KerasTuner: its trials, their order, and the space they are drawn from."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from fashion_zoo.language.wording import counted
from fashion_zoo.tuning.plans import Plan


def trial(plan: Plan, objectives: Sequence[keras_tuner.Objective], attempts: int) -> Trial:
    """Return a planned trial as KerasTuner's Trial, with its values and without the space.

    Args:
        plan: what the study has of it.
        objectives: of the search, the score first.
        attempts: after how many deaths of its worker a trial is given up.
    """
    last = plan.outcome or plan.running or plan.attempts[-1]
    found = Trial(keras_tuner.HyperParameters(), str(plan.index), _status(plan, attempts))
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


def _status(plan: Plan, attempts: int) -> str:
    if plan.outcome:
        return TrialStatus.FAILED if plan.broken else TrialStatus.COMPLETED
    if plan.running:
        return TrialStatus.RUNNING
    # What died is tried again, until it is given up.
    return TrialStatus.FAILED if plan.deaths >= attempts else TrialStatus.INVALID


def begun(plans: Sequence[Plan]) -> list[str]:
    """Return the numbers of the trials in the order in which they were begun."""
    return [str(one.index) for one in sorted(plans, key=lambda one: one.attempts[0].number)]


def ended(plans: Sequence[Plan], attempts: int) -> list[str]:
    """Return the numbers of the trials that ended, in that order."""
    over = [one for one in plans if _status(one, attempts) in ("COMPLETED", "FAILED")]
    last = {one.index: one.outcome or one.attempts[-1] for one in over}
    by_time = sorted(over, key=lambda one: (str(last[one.index].datetime_complete), one.index))
    return [str(one.index) for one in by_time]


def complete(space: keras_tuner.HyperParameters) -> None:
    """Give every active hyperparameter without a value its default."""
    for hp in space.space:
        if space.is_active(hp):
            space.values.setdefault(hp.name, hp.default)


def merged(
    stored: Mapping[str, Any] | None, own: keras_tuner.HyperParameters
) -> keras_tuner.HyperParameters:
    """Return the hyperparameters that a study knows, and after them those that it does not."""
    if stored is None:
        return own.copy()
    found = keras_tuner.HyperParameters.from_config(stored)
    found.merge([hp for hp in own.space if not found._exists(hp.name, hp.conditions)])
    complete(found)
    return found
