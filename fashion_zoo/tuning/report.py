"""``report.html``: results, plots and a table of all trials of a search."""

import datetime
import re
from collections.abc import Sequence
from typing import Any

import fashion_zoo.tuning.drawing as drawing
from fashion_zoo.config import Cost, SearchConfig
from fashion_zoo.language.wording import cost, counted, listed, percent, points
from fashion_zoo.machine import environment
from fashion_zoo.show import pages
from fashion_zoo.show.trials import describe, short, verdict
from fashion_zoo.tuning.hypermodel import RecipeHyperModel
from fashion_zoo.tuning.plans import Plan
from fashion_zoo.tuning.sampling import ranked
from fashion_zoo.tuning.study import Study


def report_page(
    study: Study,
    plans: Sequence[Plan],
    candidates: Sequence[dict[str, Any]],
    minimize: Sequence[Cost] = (),
    facts: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the HTML page of a search."""
    sections = []
    if candidates:
        sections.append(("What was found", _candidates(candidates, plans, minimize)))
    if facts:
        sections.append(("What was searched", pages.facts(facts)))
    front = [index for index, _ in ranked(plans, study)] if minimize else []
    for one in drawing.pictures(plans, minimize, front):
        warned = pages.warning(one.warning) if one.warning else ""
        picture = pages.picture(one.make, one.heading)
        sections.append((one.heading, f"{pages.paragraph(one.says)}{warned}{picture}"))
    sections.append(("Every trial", _trials(plans, minimize, candidates)))
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
            f"{base.data.dataset}: {count:,} to train on, scored on {scored}; no test image",
        ),
        ("trials", f"{study.trials} planned, of up to {each}"),
        ("chosen by", listed(["the validation accuracy after the last epoch", *few])),
        ("sampler", f"{search.sampler}, pruner {search.chosen_pruner}, seed {base.seed}"),
        # The URL of a storage may hold a password.
        ("command", re.sub(r"(://[^:/@\s]*):\S*@", r"\1:***@", command or "called from Python")),
        ("written", f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"),
        ("machine", f"{surroundings['device']}, {counted(surroundings['cores'] or 0, 'core')}"),
        ("versions", ", ".join(f"{name} {versions[name]}" for name in names if name in versions)),
    ]


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
    said = pages.paragraph(verdict(rows), strong=True)
    return f"{said}{pages.table(columns, cells)}{pages.paragraph(says)}{_settings(rows, plans)}"


def _settings(rows: Sequence[dict[str, Any]], plans: Sequence[Plan]) -> str:
    """Return the hyperparameters of the candidates side by side, the defaults last."""
    outcomes = {plan.index: plan.outcome.params for plan in plans if plan.outcome}
    ordered = sorted(rows, key=lambda row: row["defaults"])
    settings = [outcomes.get(row["trial"], {}) for row in ordered]
    names = dict.fromkeys(name for one in settings for name in one)
    titles = ["defaults" if row["defaults"] else f"trial {row['trial']}" for row in ordered]
    cells = [[name, *(short(one.get(name, "")) for one in settings)] for name in names]
    return pages.table(["hyperparameter", *titles], cells)


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
