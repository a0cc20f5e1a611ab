"""The pictures of a search, from its trials."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial

from fashion_zoo.config import Cost
from fashion_zoo.language.wording import counted, listed
from fashion_zoo.show import plots
from fashion_zoo.show.plots.search import Axis, Trials
from fashion_zoo.tuning.plans import Plan

_DRAWN = 12  # parameters beside each other; more make a picture that nobody can read
_FEWEST = 5  # trials that were trained to their end, below which importances mean nothing
_LEFT_OUT = 5  # parts of the trials, each left out once for the range of an importance
_PER_PARAMETER = 10  # trials for each parameter; below it the importances are warned of


class Drawn(NamedTuple):
    """A picture of the page."""

    heading: str
    says: str
    """How to read it."""
    make: Callable[[], Any]
    """Makes the figure."""
    warning: str = ""
    """What speaks against it."""


def pictures(
    plans: Sequence[Plan], minimize: Sequence[Cost], chosen: Sequence[int] = ()
) -> list[Drawn]:
    """Return what there are trials enough for."""
    ended = [plan for plan in plans if plan.outcome]
    if not ended:
        return []
    whole = {plan.index: plan.whole for plan in ended if plan.whole}
    outcomes = [plan.outcome for plan in ended if plan.outcome]
    axes = _axes(outcomes)
    trials = Trials(
        np.array([plan.index for plan in ended]),
        np.array([np.nan if plan.score is None else plan.score for plan in ended]),
        np.array([one.state.name == "PRUNED" for one in outcomes]),
    )
    found = [
        Drawn(
            "Optimization history",
            "Each dot is a trial. A hollow one was pruned: its accuracy is of the epoch in which "
            "it was stopped. A triangle lies below the axis.",
            functools.partial(plots.history, trials),
        )
    ]
    if minimize and whole:
        found.append(_front(whole, minimize, chosen))
    if not axes or len({one.values[0] for one in whole.values()}) < 2:
        return found
    shares = importances([*whole.values()]) if len(whole) >= _FEWEST else {}
    if shares:
        found.append(_importance(shares, len(whole)))
    few, rest = _most_important(axes, shares)
    found += [
        Drawn(
            "Slices",
            "The same dots over the parameters that varied, on the scale from which they were "
            f"drawn.{rest}",
            functools.partial(plots.slices, few, trials),
        ),
        Drawn(
            "Parallel coordinates",
            "A line is a trial, from its first parameter to its accuracy: the darker, the better, "
            "and the best in orange. Dotted lines were pruned. A line passes below the axis of a "
            "parameter that had no say in its trial.",
            functools.partial(plots.parallel, few, trials),
        ),
    ]
    return found


def _axes(outcomes: Sequence[FrozenTrial]) -> list[Axis]:
    """Return the parameters that varied, in the order in which they are asked for."""
    scales = {name: scale for one in outcomes for name, scale in one.distributions.items()}
    axes = []
    for name, scale in scales.items():
        values = [one.params.get(name) for one in outcomes]
        if len({str(value) for value in values if value is not None}) > 1:
            if isinstance(scale, CategoricalDistribution):
                values = [None if value is None else str(value) for value in values]
            axes.append(Axis(name, values, getattr(scale, "log", False)))
    return axes


def _most_important(
    axes: Sequence[Axis], shares: Mapping[str, tuple[float, float, float]]
) -> tuple[list[Axis], str]:
    """Return as many as can stand beside each other, and the sentence about the others."""
    ordered = sorted(axes, key=lambda one: -shares.get(one.name, (0.0,))[0])
    left_out = [one.name for one in ordered[_DRAWN:]]
    said = f" Not shown: {listed(left_out)}." if left_out else ""
    return [one for one in axes if one.name not in left_out], said


def importances(trials: Sequence[FrozenTrial]) -> dict[str, tuple[float, float, float]]:
    """Return how much of the spread of the scores each parameter explains (fANOVA).

    Only parameters count that every trial has. Each has its share, and the smallest and the largest
    one when a fifth of the trials is left out. It is empty where nothing can be said.

    Reference: Hutter, Hoos & Leyton-Brown 2014, ICML.
    """
    parts = [
        [one for number, one in enumerate(trials) if number % _LEFT_OUT != left]
        for left in range(_LEFT_OUT)
    ]
    try:
        shares = [_explained(part) for part in (trials, *parts)]
    except (ValueError, RuntimeError):  # of a part all scores or all values are the same
        return {}
    found = {}
    for name, share in shares[0].items():
        if len({str(one.params[name]) for one in trials}) > 1:
            each = [part.get(name, 0.0) for part in shares]
            found[name] = share, min(each), max(each)
    return found


def _explained(trials: Sequence[FrozenTrial]) -> dict[str, float]:
    study = optuna.create_study(directions=["maximize" for _ in trials[0].values])
    study.add_trials(trials)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return optuna.importance.get_param_importances(
        study, evaluator=evaluator, target=lambda trial: trial.values[0]
    )


def _importance(shares: dict[str, tuple[float, float, float]], trials: int) -> Drawn:
    enough = _PER_PARAMETER * len(shares)
    warning = ""
    if trials < enough:
        warning = (
            f"Only {counted(trials, 'trial')} for {counted(len(shares), 'parameter')} came to the "
            f"end of training. Below about {enough} the order can be chance: take it as a hint."
        )
    return Drawn(
        "Importance of the parameters",
        "How much of the spread of the accuracies each parameter explains (fANOVA), among the "
        "trials that were trained to their end. The line is the range when a fifth of them is left "
        "out.",
        functools.partial(plots.importances, shares),
        warning,
    )


def _front(
    whole: Mapping[int, FrozenTrial], minimize: Sequence[Cost], chosen: Sequence[int]
) -> Drawn:
    values = np.array([one.values for one in whole.values()])
    units = {"parameters": "parameters", "latency": "latency, ms"}
    costs = {units[name]: values[:, 1 + place] for place, name in enumerate(minimize)}
    return Drawn(
        "Pareto front",
        "Nothing that was tried is at least as good as an orange dot in everything and better in "
        "something.",
        functools.partial(plots.front, costs, values[:, 0], np.isin([*whole], chosen)),
    )
