"""``report.html``: what a search did, in pictures and in a table of every trial."""

import warnings
from collections.abc import Sequence
from typing import Any

from fashion_zoo.show import pages
from fashion_zoo.show.trials import describe
from fashion_zoo.tuning.study import Plan, Study
from fashion_zoo.tuning.suggesting import VisibleStudy

_DRAWN = 12  # parameters; more make a picture that nobody can read


def report_page(study: Study, plans: Sequence[Plan], candidates: Sequence[dict[str, Any]]) -> str:
    """Return the page.

    Args:
        study: the study.
        plans: its trials.
        candidates: rows of ``report.json``.
    """
    sections = [("Trained again with fresh seeds", _candidates(candidates))] if candidates else []
    sections += _pictures(study, plans)
    sections.append(("Every trial", _trials(plans)))
    return pages.page(f"Search of {study.name}", sections)


def _candidates(rows: Sequence[dict[str, Any]]) -> str:
    columns = [
        "trial",
        "score in the search",
        "fresh mean",
        "95 % interval",
        "gain on the defaults",
    ]
    cells = []
    for row in rows:
        name = "defaults" if row["defaults"] else row["trial"]
        between = "" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}"
        gain = ""
        if row["gain"] is not None:
            gain = f"{row['gain']:+.4f}"
            if row["gain_low"] is not None:
                gain += f" ({row['gain_low']:+.4f} to {row['gain_high']:+.4f})"
        cells.append([name, f"{row['score']:.4f}", f"{row['mean']:.4f}", between, gain])
    says = "The score is too good on average, because it chose the trial; the fresh mean is not."
    return f"{pages.table(columns, cells)}<p>{says}</p>"


def _pictures(study: Study, plans: Sequence[Plan]) -> list[tuple[str, str]]:
    """Draw with Optuna's own plots what there are trials enough for."""
    import matplotlib.pyplot as plt
    import optuna.visualization.matplotlib as plots

    visible = VisibleStudy(study.name, study.backend)
    finished = [plan.outcome for plan in plans if plan.outcome]
    whole = [one for one in finished if one.state.name == "COMPLETE"]
    shared = [
        name
        for name in dict.fromkeys(name for one in whole for name in one.params)
        if len({one.params.get(name) for one in whole}) > 1
        and all(name in one.params for one in whole)
    ][:_DRAWN]
    drawn: list[tuple[str, Any]] = []
    if finished:
        drawn.append(("Optimization history", plots.plot_optimization_history))
    if len(whole) > 3 and shared and len({one.value for one in whole}) > 1:
        drawn += [
            ("Importance of the parameters", plots.plot_param_importances),
            ("Slices", lambda of: plots.plot_slice(of, params=shared)),
            ("Parallel coordinates", lambda of: plots.plot_parallel_coordinate(of, params=shared)),
        ]
    sections = []
    for heading, draw in drawn:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # these plots are marked as experimental
            axes = draw(visible)
        figure = getattr(axes, "figure", None) or axes.flat[0].figure
        if heading == "Slices":
            figure.set_size_inches(3 * len(shared), 4)
        sections.append((heading, pages.picture(figure, heading)))
        plt.close(figure)
    return sections


def _trials(plans: Sequence[Plan]) -> str:
    rows = []
    for plan in plans:
        last = plan.outcome or plan.attempts[-1]
        epochs = max(last.intermediate_values, default=0)
        seconds = "" if last.duration is None else f"{last.duration.total_seconds():.0f}"
        state = str(last.user_attrs.get("mark") or last.state.name.lower())
        score = "" if plan.outcome is None or last.value is None else f"{last.value:.4f}"
        attempts = len(plan.attempts)
        rows.append([plan.index, score, state, epochs, seconds, attempts, describe(last.params)])
    columns = ["trial", "score", "state", "epochs", "seconds", "attempts", "parameters"]
    return pages.table(columns, rows)
