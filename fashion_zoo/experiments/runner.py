"""Train what an experiment lacks, and write its rows and its page."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo import registry
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.experiments import page as pages
from fashion_zoo.experiments.experiment import Arm, Experiment, Measured, Row
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.suggest import unknown
from fashion_zoo.language.wording import percent
from fashion_zoo.machine import environment
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show import figures
from fashion_zoo.show.watching import Progress
from fashion_zoo.storage.paths import absolute


@checked
@releasing()
def run(
    experiment: Experiment,
    *,
    seeds: int | None = None,
    folder: Place | None = None,
    page: Place | None = None,
    only: str | None = None,
    measure: bool = True,
    progress: Progress = "auto",
    **overrides: Any,
) -> str:
    """Train every arm with every seed, and write the table.

    Runs in ``folder`` that have the same config, commit, versions and device are not trained again,
    and one that was broken off is gone on with. The rows go into the CSV file beside the page.

    Args:
        experiment: what is measured.
        seeds: trainings an arm, with seeds 0, 1, ...; at least 2. By default those of the
            experiment.
        folder: where the runs are kept; by default the experiment's.
        page: the page whose table is replaced; by default the experiment's.
        only: measure the arm of this name alone, or those of this recipe, and leave the rows of the
            others as they are.
        measure: false writes the page from the rows that are there.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of every RunConfig, for a quick look; they need a folder of their own.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigError: fewer than two seeds, an unknown arm or option, or augmentation on a backend
            other than tensorflow.
        DataError: the page is missing or has no place for the table.
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    seeds, arms = experiment.seeds if seeds is None else seeds, experiment.all_arms()
    if seeds < 2:
        raise ConfigError(f"seeds must be at least 2, for an interval; received {seeds}.")
    if overrides and folder is None:
        raise ConfigError(
            "overrides would replace the runs of the whole experiment; for a quick look, name "
            "another folder with ",
            Hint("folder"),
            ".",
        )
    place = absolute(folder or experiment.folder or f"runs/{experiment.name}")
    target = absolute(page or experiment.page) if page or experiment.page else None
    if target:
        pages.around(target, experiment.mark)
    file, chosen = experiment.rows_file(target, place), _chosen(arms, only)
    rows = experiment.read(file) if only or not measure else []
    if measure:
        rows += _measure(experiment, chosen, seeds, place, progress, overrides)
        experiment.write(file, Measured(experiment, rows).rows)
    return _write(Measured(experiment, rows), target)


def _chosen(arms: Sequence[Arm], only: str | None) -> list[Arm]:
    found = [arm for arm in arms if only in (None, arm.name)]
    found = found or [arm for arm in arms if arm.recipe == only and not arm.program]
    if not found:
        raise ConfigError(unknown("arm", str(only), [arm.name for arm in arms]))
    return found


def _measure(
    experiment: Experiment,
    arms: Sequence[Arm],
    seeds: int,
    folder: Path,
    progress: Progress,
    overrides: Mapping[str, Any],
) -> list[Row]:
    """Return the rows of these arms, trained and evaluated, or found as they were left."""
    configs = [_config(experiment, arm, overrides) for arm in arms]
    if any(config.training.policy for config in configs):
        from fashion_zoo.data.pipeline import need_tensorflow

        need_tensorflow()
    from fashion_zoo.show.progress import TrainingDisplay

    display, rows = TrainingDisplay(progress), []
    display.expect(len(arms) * seeds)
    for arm, config in zip(arms, configs, strict=True):
        for seed in range(seeds):
            with display.pace.training(f"{arm.name}, seed {seed}"):
                seeded = dataclasses.replace(config, seed=seed)
                row = _row(experiment, arm, seeded, arm.run_dir(folder, seed), display)
            rows.append({"arm": arm.name, "seed": seed, **row})
            if "validation_accuracy" in row:
                reached = percent(row["validation_accuracy"])
                display.say(f"{arm.name} seed {seed}: validation {reached}")
    return rows


def _config(experiment: Experiment, arm: Arm, overrides: Mapping[str, Any]) -> RunConfig:
    base = registry.recipe(arm.recipe).config  # a program takes the data of it
    return override(override(override(base, experiment.settings), arm.changes), overrides)


def _row(
    experiment: Experiment, arm: Arm, config: RunConfig, path: Path, display: Any
) -> dict[str, Any]:
    if program := arm.program:
        from fashion_zoo.experiments.keeping import keep

        settings = {"arm": arm.name, "seed": config.seed, "data": dataclasses.asdict(config.data)}
        file = path.with_name(f"{path.name}.json")
        found = keep(file, settings, lambda _: dict(program(config.seed, load(config.data))))
        return {**found, **environment.place(environment.describe())}
    from fashion_zoo.evaluation import evaluate_run
    from fashion_zoo.show.waiting import waiting
    from fashion_zoo.training import train_once

    done = train_once(registry.recipe(arm.recipe), config, path, display)
    with waiting("Evaluating on the test images", display.enabled):
        _ = done.result("evaluation") or evaluate_run(done)
    row: dict[str, Any] = {}
    for metric in experiment.metrics:
        found = metric(done)
        row |= found if isinstance(found, Mapping) else {metric.__name__: found}
    return {**row, **environment.place(done.read_json("environment.json"))}


def _write(measured: Measured, page: Path | None) -> str:
    """Write table and figure into the page, where there is one, and return the table."""
    experiment, table = measured.experiment, measured.table()
    if page is None:
        return table
    if draw := experiment.figure:
        picture = page.with_name(f"{experiment.name}.png")
        figures.try_save(picture, lambda: draw(measured))
        table += f"\n\n![{experiment.question}]({picture.name})"
    pages.put(page, {experiment.mark: table})
    return table
