"""``report.html``: results, plots and a table of all trials of a search."""

import datetime
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial

from fashion_zoo.config import Cost, Objective, SearchConfig
from fashion_zoo.language.wording import cost, counted, listed, percent, points
from fashion_zoo.machine import environment
from fashion_zoo.show import pages, plots
from fashion_zoo.show.plots.search import Axis, Trials
from fashion_zoo.show.trials import describe, short, title, verdict
from fashion_zoo.tuning.hypermodel import RecipeHyperModel
from fashion_zoo.tuning.importances import importances
from fashion_zoo.tuning.plans import Plan
from fashion_zoo.tuning.sampling import ranked
from fashion_zoo.tuning.study import Study

_DRAWN = 12  # hyperparameters in one plot; more are not readable
_FEWEST = 5  # completed trials; importances of fewer are meaningless
_PER_PARAMETER = 10  # trials per hyperparameter, below which the page has a warning


def report_page(
    study: Study,
    plans: Sequence[Plan],
    candidates: Sequence[dict[str, Any]],
    minimize: Sequence[Cost] = (),
    facts: Sequence[tuple[str, str]] = (),
    objective: Objective = "accuracy",
) -> str:
    """Return the HTML page of a search."""
    sections = []
    if candidates:
        sections.append(("Best trials", _candidates(candidates, plans, minimize)))
    if facts:
        sections.append(("Settings", pages.facts(facts)))
    front = [index for index, _ in ranked(plans, study)] if minimize else []
    for one in pictures(plans, minimize, front, objective):
        warned = pages.warning(one.warning) if one.warning else ""
        picture = pages.picture(one.make, one.heading)
        sections.append((one.heading, f"{pages.paragraph(one.says)}{warned}{picture}"))
    sections.append(("All trials", _trials(plans, minimize, candidates)))
    return pages.page(f"Search of {study.name}", sections)


def facts(
    model: RecipeHyperModel,
    study: Study,
    search: SearchConfig,
    *,
    command: str | None = None,
) -> list[tuple[str, str]]:
    """Return names and values of the settings of a search: images, epochs, command, machine."""
    base, surroundings = model.base, environment.describe()
    count, held_out = model.dataset.count, len(model.dataset.positions.validation)
    scored = f"the {held_out:,} validation images"
    if model.folds:
        folds = counted(model.folds, "fold")
        scored = f"{folds} of them, and on {scored} only when trained again"
    each = counted(base.training.epochs, "epoch")
    if model.executions > 1:
        each += f", {model.executions} trainings each"
    costs = {"parameters": "few parameters", "latency": "a low latency"}
    few = [costs[name] for name in search.minimize]
    versions = surroundings["versions"]
    names = ("python", "keras", "tensorflow", "fashion_zoo")
    return [
        ("recipe", f"{model.entry.name}: {model.entry.summary}"),
        (
            "images",
            f"{base.data.title}: {count:,} to train on, scored on {scored}; no test image",
        ),
        ("trials", f"{study.trials} planned, of up to {each}"),
        ("chosen by", listed([f"the {titled(search.objective)} after the last epoch", *few])),
        ("sampler", f"{search.sampler}, pruner {search.chosen_pruner}, seed {base.seed}"),
        # The URL of a storage may hold a password.
        ("command", re.sub(r"(://[^:/@\s]*):\S*@", r"\1:***@", command or "called from Python")),
        ("written", f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"),
        ("machine", f"{surroundings['device']}, {counted(surroundings['cores'] or 0, 'core')}"),
        ("versions", ", ".join(f"{name} {versions[name]}" for name in names if name in versions)),
    ]


def titled(objective: Objective) -> str:
    """Return the name of an objective, for people."""
    return f"validation {objective.replace('_', ' ')}"


def _candidates(
    rows: Sequence[dict[str, Any]], plans: Sequence[Plan], minimize: Sequence[Cost]
) -> str:
    columns = [
        "trial", "score in the search", *minimize, "fresh mean", "95 % interval",
        "gain on the defaults",
    ]  # fmt: skip
    cells = []
    for row in rows:
        name = "defaults" if row["defaults"] else row["trial"]
        between = "" if row["low"] is None else f"{percent(row['low'])} to {percent(row['high'])}"
        gain = ""
        if row["gain"] is not None:
            gain = f"{points(row['gain'])} points"
            if row["gain_low"] is not None:
                gain += f" ({points(row['gain_low'])} to {points(row['gain_high'])})"
        costs = [cost(one, row[one]) for one in minimize]
        cells.append([name, percent(row["score"]), *costs, percent(row["mean"]), between, gain])
    says = (
        f"Trained again with {counted(len(rows[0]['again']), 'fresh seed')}. The score is too high "
        "on average, because it selected the trial; the fresh mean is unbiased."
    )
    if rows[0]["optimism"] is None:
        says += " The score is of folds of the training images, the mean of the validation images."
    headline = pages.paragraph(verdict(rows), strong=True)
    return f"{headline}{pages.table(columns, cells)}{pages.paragraph(says)}{_settings(rows, plans)}"


def _settings(rows: Sequence[dict[str, Any]], plans: Sequence[Plan]) -> str:
    """Return the hyperparameters of the candidates side by side, the defaults last."""
    outcomes = {plan.index: plan.outcome.params for plan in plans if plan.outcome}
    ordered = sorted(rows, key=lambda row: row["defaults"])
    settings = [outcomes.get(row["trial"], {}) for row in ordered]
    names = dict.fromkeys(name for one in settings for name in one)
    cells = [[name, *(short(one.get(name, "")) for one in settings)] for name in names]
    return pages.table(["hyperparameter", *map(title, ordered)], cells)


def _trials(
    plans: Sequence[Plan], minimize: Sequence[Cost], candidates: Sequence[dict[str, Any]]
) -> str:
    rows = []
    for plan in plans:
        last = plan.outcome or plan.attempts[-1]
        reports = max(last.intermediate_values, default=0)
        seconds = "" if last.duration is None else f"{last.duration.total_seconds():.0f}"
        state = str(last.user_attrs.get("mark") or last.state.name.lower())
        values = [""] * (1 + len(minimize))
        if plan.outcome and plan.score is not None:
            score, *costs = plan.outcome.values
            values = [percent(score), *map(cost, minimize, costs)]
        tried = [state, reports, seconds, len(plan.attempts)]
        rows.append([plan.index, *values, *tried, describe(last.params)])
    columns = [
        "trial", "score", *minimize, "state", "epochs", "seconds", "attempts", "hyperparameters",
    ]  # fmt: skip
    again = {row["trial"] for row in candidates}
    return pages.table(columns, rows, marked=[plan.index in again for plan in plans])


class Drawn(NamedTuple):
    """A plot on the page."""

    heading: str
    says: str
    """How to read it."""
    make: Callable[[], Any]
    """Draws the figure."""
    warning: str = ""


def pictures(
    plans: Sequence[Plan],
    minimize: Sequence[Cost],
    chosen: Sequence[int] = (),
    objective: Objective = "accuracy",
) -> list[Drawn]:
    """Return the plots for which there are enough trials."""
    ended = [plan for plan in plans if plan.outcome]
    if not ended:
        return []
    completed = {plan.index: plan.completed for plan in ended if plan.completed}
    outcomes = [plan.outcome for plan in ended if plan.outcome]
    axes = _axes(outcomes)
    trials = Trials(
        np.array([plan.index for plan in ended]),
        np.array([np.nan if plan.score is None else plan.score for plan in ended]),
        np.array([one.state.name == "PRUNED" for one in outcomes]),
        titled(objective),
    )
    found = [
        Drawn(
            "Optimization history",
            "Each dot is a trial. A hollow dot was pruned and shows its last score. A triangle "
            "lies below the axis.",
            functools.partial(plots.history, trials),
        )
    ]
    if minimize and completed:
        found.append(_front(completed, minimize, chosen, trials.metric))
    if not axes or len({one.values[0] for one in completed.values()}) < 2:
        return found
    shares = importances([*completed.values()]) if len(completed) >= _FEWEST else {}
    if shares:
        found.append(_importance(shares, len(completed)))
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
            "Each line is a trial, from its first hyperparameter to its score: darker is "
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
    note = f" Not shown: {listed(left_out)}." if left_out else ""
    return [one for one in axes if one.name not in left_out], note


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
        "The fraction of the variance of the scores that each hyperparameter explains "
        "(fANOVA), over the completed trials. The line is the range when a fifth of them is left "
        "out.",
        functools.partial(plots.importances, shares),
        warning,
    )


def _front(
    completed: Mapping[int, FrozenTrial],
    minimize: Sequence[Cost],
    chosen: Sequence[int],
    metric: str,
) -> Drawn:
    values = np.array([one.values for one in completed.values()])
    units = {"parameters": "parameters", "latency": "latency, ms"}
    costs = {units[name]: values[:, 1 + place] for place, name in enumerate(minimize)}
    return Drawn(
        "Pareto front",
        "No trial is at least as good as an orange dot in every objective and better in one.",
        functools.partial(plots.front, costs, values[:, 0], np.isin([*completed], chosen), metric),
    )
