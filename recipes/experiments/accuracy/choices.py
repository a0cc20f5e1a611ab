"""What the pages of candidates say of the recipe that was chosen, made of its own rows."""

import statistics
from collections.abc import Mapping
from pathlib import Path

from fashion_zoo.experiments import Experiment, Measured, page as pages, training
from fashion_zoo.experiments.experiment import Column
from fashion_zoo.language.wording import counted, listed
from recipes.experiments import strongest, tiny

CHOSEN: Mapping[str, Experiment] = {
    "bn_mlp.strongest": strongest.EXPERIMENT,
    "bn_mlp.tiny": tiny.EXPERIMENT,
}
"""Recipe to the experiment that has its candidates."""


def files(measured: Measured, validation: Column, docs: Path) -> dict[Path, str]:
    """Return the pages of candidates, with what is said of the recipes that have rows.

    Args:
        measured: the results of all recipes.
        validation: the column of the validation accuracy.
        docs: the folder of the pages.
    """
    found = {}
    for name, experiment in CHOSEN.items():
        if name in measured.by_arm:
            page = docs / Path(experiment.page).name
            candidates = pages.read_rows(page.with_suffix(".csv"))
            text = said(name, measured, validation, Measured(experiment, candidates))
            found[page] = pages.filled(page, {"recipe": text})
    return found


def said(name: str, measured: Measured, validation: Column, candidates: Measured) -> str:
    """Return what a chosen recipe reaches on the validation images, and whether it is a candidate.

    A candidate with the settings of the recipe shares its trainings of the same seed, which chose.
    """
    own = measured.by_arm[name]
    configs = training.configs_of(candidates.experiment, candidates.arms, [])
    settings = {arm.name: training.settings_of(arm, configs[arm.name]) for arm in candidates.arms}
    known = {row["config"] for row in own.values()}
    same = [arm for arm, one in settings.items() if one["config"] in known]
    seconds = measured.values(name, "seconds")
    text = (
        f"`{name}` reaches {_of(measured, name, own, validation)} on the validation images. Its "
        f"trainings took {min(seconds):,.0f} to {max(seconds):,.0f} seconds, median "
        f"{statistics.median(seconds):,.0f}, on {pages.measured_on({name: list(own.values())})}"
    )
    if not same:
        return f"{text} No row of the table above has all its settings."
    text += f" Its settings are those of `{same[0]}`."
    chose = [str(seed) for seed in own if seed in candidates.by_arm.get(same[0], {})]
    others = {seed: row for seed, row in own.items() if str(seed) not in chose}
    if chose:
        text += f" Its training with seed {listed(chose)} is the one that chose them."
    if chose and others:
        text += f" Without this seed it reaches {_of(measured, name, others, validation)}."
    return text


def _of(
    measured: Measured, name: str, rows: Mapping[int, Mapping[str, object]], column: Column
) -> str:
    alone = Measured(measured.experiment, [dict(row) for row in rows.values()])
    return f"{column.cell(alone, name)} with {counted(len(rows), 'seed')}"
