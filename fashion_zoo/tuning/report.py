"""``report.html``: what a search did, in pictures and in a table of every trial."""

import functools
import warnings
from collections.abc import Sequence
from typing import Any

from fashion_zoo.config import Cost
from fashion_zoo.show import pages
from fashion_zoo.show.trials import describe
from fashion_zoo.tuning.study import Plan, Study
from fashion_zoo.tuning.suggesting import VisibleStudy
from fashion_zoo.wording import cost, percent, points

_DRAWN = 12  # parameters; more make a picture that nobody can read


def report_page(
    study: Study,
    plans: Sequence[Plan],
    candidates: Sequence[dict[str, Any]],
    minimize: Sequence[Cost] = (),
) -> str:
    """Return the page.

    Args:
        study: the study.
        plans: its trials.
        candidates: rows of ``report.json``.
        minimize: the costs beside the accuracy.
    """
    sections = []
    if candidates:
        sections.append(("Trained again with fresh seeds", _candidates(candidates, minimize)))
    sections += _pictures(study, plans, minimize)
    sections.append(("Every trial", _trials(plans, minimize)))
    return pages.page(f"Search of {study.name}", sections)


def _candidates(rows: Sequence[dict[str, Any]], minimize: Sequence[Cost]) -> str:
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
    says = "The score is too good on average, because it chose the trial; the fresh mean is not."
    if rows[0]["optimism"] is None:
        says += " The score is of folds of the training images, the mean of the validation images."
    return f"{pages.table(columns, cells)}<p>{says}</p>"


def _pictures(
    study: Study, plans: Sequence[Plan], minimize: Sequence[Cost]
) -> list[tuple[str, str]]:
    """Draw with Optuna's own plots what there are trials enough for."""
    visible = VisibleStudy(study.name, study.backend)
    whole = [plan.outcome for plan in plans if plan.outcome and plan.outcome.state.name != "PRUNED"]
    shared = [
        name
        for name in dict.fromkeys(name for one in whole for name in one.params)
        if len({one.params.get(name) for one in whole}) > 1
        and all(name in one.params for one in whole)
    ][:_DRAWN]
    # Of several objectives the pictures of one value show the first.
    options: dict[str, Any] = {"target_name": "validation accuracy"}
    if minimize:
        options["target"] = lambda trial: trial.values[0]
    drawn: list[tuple[str, str, dict[str, Any]]] = []
    if any(plan.outcome for plan in plans):
        drawn.append(("Optimization history", "plot_optimization_history", options))
    if whole and 1 <= len(minimize) <= 2:
        names = {"target_names": ["validation accuracy", *minimize]}
        drawn.append(("Pareto front", "plot_pareto_front", names))
    if len(whole) > 3 and shared and len({one.values[0] for one in whole}) > 1:
        some = {**options, "params": shared}
        drawn += [
            ("Importance of the parameters", "plot_param_importances", options),
            ("Slices", "plot_slice", some),
            ("Parallel coordinates", "plot_parallel_coordinate", some),
        ]
    sections = []
    for heading, draw, chosen in drawn:
        width = 3 * len(shared) if heading == "Slices" else None
        make = functools.partial(_figure, draw, visible, width, chosen)
        sections.append((heading, pages.picture(make, heading)))
    return sections


def _figure(name: str, study: Any, width: float | None, options: dict[str, Any]) -> Any:
    """Return the figure of one of Optuna's plots, which pyplot no longer holds."""
    import matplotlib.pyplot as plt
    import optuna.visualization.matplotlib as plots

    draw = getattr(plots, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these plots are marked as experimental
        try:
            axes = draw(study, **options)
        except ImportError:  # the user's backend, such as one of windows where there is no screen
            plt.switch_backend("agg")
            axes = draw(study, **options)
    figure = getattr(axes, "figure", None) or axes.flat[0].figure
    if width:
        figure.set_size_inches(width, 4)
    plt.close(figure)
    return figure


def _trials(plans: Sequence[Plan], minimize: Sequence[Cost]) -> str:
    rows = []
    for plan in plans:
        last = plan.outcome or plan.attempts[-1]
        reports = max(last.intermediate_values, default=0)
        seconds = "" if last.duration is None else f"{last.duration.total_seconds():.0f}"
        state = str(last.user_attrs.get("mark") or last.state.name.lower())
        values = [""] * (1 + len(minimize))
        if plan.outcome:
            score, *costs = plan.outcome.values
            values = [percent(score), *map(cost, minimize, costs)]
        tried = [state, reports, seconds, len(plan.attempts)]
        rows.append([plan.index, *values, *tried, describe(last.params)])
    columns = [
        "trial", "score", *minimize, "state", "epochs", "seconds", "attempts", "hyperparameters",
    ]  # fmt: skip
    return pages.table(columns, rows)
