"""Plots of a search, made from its trials."""

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

_DRAWN = 12  # hyperparameters in one plot; more are not readable
_FEWEST = 5  # completed trials; importances of fewer are meaningless
_LEFT_OUT = 5  # parts of the trials, each left out once for the range of the importances
_PER_PARAMETER = 10  # trials per hyperparameter, below which the page has a warning


class Drawn(NamedTuple):
    """A plot on the page."""

    heading: str
    says: str
    """How to read it."""
    make: Callable[[], Any]
    """Draws the figure."""
    warning: str = ""


def pictures(
    plans: Sequence[Plan], minimize: Sequence[Cost], chosen: Sequence[int] = ()
) -> list[Drawn]:
    """Return the plots for which there are enough trials."""
    ended = [plan for plan in plans if plan.outcome]
    if not ended:
        return []
    whole = {plan.index: plan.completed for plan in ended if plan.completed}
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
            "Each dot is a trial. A hollow dot was pruned and shows its last accuracy. A triangle "
            "lies below the axis.",
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
            "The same dots over the hyperparameters that varied, on the scale of their "
            f"sampling.{rest}",
            functools.partial(plots.slices, few, trials),
        ),
        Drawn(
            "Parallel coordinates",
            "Each line is a trial, from its first hyperparameter to its accuracy: darker is "
            "better, and the best is orange. Dotted lines were pruned. A line passes below the "
            "axis of a hyperparameter that was not active.",
            functools.partial(plots.parallel, few, trials),
        ),
    ]
    return found


def _axes(outcomes: Sequence[FrozenTrial]) -> list[Axis]:
    """Return the hyperparameters that varied, in the order of the search space."""
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
    """Return the hyperparameters to plot, and a sentence about the others."""
    ordered = sorted(axes, key=lambda one: -shares.get(one.name, (0.0,))[0])
    left_out = [one.name for one in ordered[_DRAWN:]]
    said = f" Not shown: {listed(left_out)}." if left_out else ""
    return [one for one in axes if one.name not in left_out], said


def importances(trials: Sequence[FrozenTrial]) -> dict[str, tuple[float, float, float]]:
    """Return the fANOVA importance of each hyperparameter that all trials have.

    A value is (importance, smallest, largest), the latter two when a fifth of the trials is left
    out. The result is empty if all scores or all values of such a part are equal.

    Reference: Hutter, Hoos & Leyton-Brown 2014, ICML.
    """
    parts = [
        [one for number, one in enumerate(trials) if number % _LEFT_OUT != left]
        for left in range(_LEFT_OUT)
    ]
    try:
        shares = [_explained(part) for part in (trials, *parts)]
    except (ValueError, RuntimeError):  # all scores or all values of a part are equal
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
            f"Only {counted(trials, 'trial')} completed, for "
            f"{counted(len(shares), 'hyperparameter')}. With fewer than about {enough} the order "
            "can be due to chance."
        )
    return Drawn(
        "Hyperparameter importance",
        "The fraction of the variance of the accuracies that each hyperparameter explains "
        "(fANOVA), over the completed trials. The line is the range when a fifth of them is left "
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
        "No trial is at least as good as an orange dot in every objective and better in one.",
        functools.partial(plots.front, costs, values[:, 0], np.isin([*whole], chosen)),
    )
