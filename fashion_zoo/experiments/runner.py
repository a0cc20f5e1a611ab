"""Train the missing arms and seeds of an experiment, and write its rows and its page."""

import contextlib
import dataclasses
import functools
import hashlib
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fashion_zoo import registry, runs, storage
from fashion_zoo.config import RunConfig
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.config.overrides import override
from fashion_zoo.config.switches import check_switches
from fashion_zoo.data import Dataset, load, load_for
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.errors import ConfigError, DataError, Hint, TrainingError, resumable
from fashion_zoo.experiments import page as pages
from fashion_zoo.experiments.experiment import Arm, Experiment, Measured, Places, Row
from fashion_zoo.experiments.metrics import correct
from fashion_zoo.experiments.stored import keep
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.wording import listed, percent, unknown
from fashion_zoo.machine import environment
from fashion_zoo.machine.devices import releasing
from fashion_zoo.results import DIVERGED
from fashion_zoo.show import figures
from fashion_zoo.show.progress import Pace, TrainingDisplay
from fashion_zoo.show.waiting import Progress, waiting


@checked
@resumable()
@releasing()
def run(
    experiment: Experiment,
    *,
    seeds: int | None = None,
    folder: Place | None = None,
    page: Place | None = None,
    only: str | None = None,
    measure: bool = True,
    quick: bool = False,
    progress: Progress = "auto",
    **overrides: Any,
) -> str:
    """Train every arm with every seed, and write the table.

    Runs in ``folder`` that have the same config, commit, versions and device are not trained again,
    and an interrupted one is resumed. The rows are written into the CSV file beside the page.

    Args:
        experiment: the experiment.
        seeds: trainings per arm, with seeds 0, 1, ...; at least 2, or 1 if the experiment chooses.
            By default those of the experiment.
        folder: folder of the runs; by default the experiment's.
        page: the page whose table is replaced; by default the experiment's, and none with another
            folder.
        only: measure only the arm of this name, or else the arms of this recipe. The rows of the
            others stay as they are.
        measure: false writes the page from the stored rows.
        quick: a quick look with the changes and the seeds of ``experiment.quick``, by default in a
            folder of its own, ``runs/NAME-quick``; no page is written.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of every RunConfig; without ``quick`` they need another folder.

    Returns:
        The verdicts on its claims, if it has any, and the table, in Markdown, which a notebook
        shows as such.

    Raises:
        ConfigError: if there are too few seeds, an unknown arm or option, two arms that
            share a name or folder, augmentation on a backend other than tensorflow, overrides
            without another folder, or others than of ``data`` for an arm that is a program.
        DataError: if the page is missing or has no place for the table, or there are no rows.
        KeyboardInterrupt: on Ctrl-C; the next call resumes.
    """
    changes: list[Mapping[str, Any]] = [overrides]
    programs = [arm.name for arm in experiment.all_arms() if arm.program]
    if programs and (others := sorted(overrides.keys() - {"data"})):
        raise ConfigError(
            f"{programs[0]!r} is a program, which takes its data and no other override; received "
            f"{listed(others)}."
        )
    if quick:
        if page is not None:
            raise ConfigError(
                "A quick look writes no page. Leave out ", Hint("page"), " or ", Hint("quick"), "."
            )
        experiment, changes = experiment.quickly(), [experiment.quick.changes, overrides]
    elif overrides and experiment.places(folder).folder == experiment.places().folder:
        raise ConfigError(
            "overrides would replace the runs of the whole experiment; for a quick look, name "
            "another folder with ",
            Hint("folder"),
            ".",
        )
    done = outcome(experiment, seeds, folder, page, only, measure, progress, changes)
    return pages.Markdown(done.text)


class Outcome(NamedTuple):
    """What was measured, and the text with its verdicts and its table."""

    measured: Measured
    text: str


def outcome(
    experiment: Experiment,
    seeds: int | None = None,
    folder: Any = None,
    page: Any = None,
    only: str | None = None,
    measure: bool = True,
    progress: Progress = "auto",
    changes: Sequence[Mapping[str, Any]] = (),
) -> Outcome:
    """Return what ``run`` measures, with its text; ``changes`` are of every config, in order."""
    seeds, arms = experiment.seeds if seeds is None else seeds, experiment.all_arms()
    if seeds < (fewest := 1 if experiment.chooses else 2):
        reason = "" if experiment.chooses else ", for an interval"
        raise ConfigError(f"seeds must be at least {fewest}{reason}; received {seeds}.")
    places, home = experiment.places(folder, page), experiment.places()
    chosen = _chosen(arms, only)
    if places.page:
        pages.around(places.page, experiment.mark)
    rows = pages.read_rows(places.rows)
    if measure:
        again = {arm.name for arm in chosen}
        rows = [row for row in rows if row["arm"] not in again]
        rows += _measure(experiment, chosen, seeds, places.folder, progress, changes, rows)
    measured = Measured(experiment, rows)
    if not measured.by_arm:
        raise DataError(
            f"{places.rows} has no rows of experiment {experiment.name}, so there is no table to "
            "write. Measure them first."
        )
    if measure:
        known = {arm.name for arm in arms}  # rows of others are of recipes that are not registered
        others = [row for row in rows if row["arm"] not in known]
        lost = [row for own in measured.diverged.values() for row in own.values()]
        pages.write_rows(places.rows, [*measured.rows, *lost, *others])
    return Outcome(measured, _write(measured, places, home.page))


def _chosen(arms: Sequence[Arm], only: str | None) -> list[Arm]:
    named = [arm for arm in arms if arm.name == only]
    found = named or [
        arm for arm in arms if only is None or (arm.recipe == only and not arm.program)
    ]
    if not found:
        raise ConfigError(unknown("arm", str(only), [arm.name for arm in arms]))
    return found


def _measure(
    experiment: Experiment,
    arms: Sequence[Arm],
    seeds: int,
    folder: Path,
    progress: Progress,
    further: Sequence[Mapping[str, Any]],
    stored: Sequence[Row] = (),
) -> list[Row]:
    """Return the rows of these arms, trained and evaluated where they are not; ``stored`` are
    those of others.
    """
    for source in experiment.imports:
        registry.load_recipes(source)
    configs = []
    for arm in arms:
        changes = (experiment.settings, arm.changes, *further)
        configs.append(functools.reduce(override, changes, registry.recipe(arm.recipe).config))
    if any(config.training.policy for config in configs):
        need_tensorflow()
    rows: list[Row] = []
    display, loaded = TrainingDisplay(progress), functools.cache(load)
    pace = Pace(len(arms) * seeds, display.say)
    # Seed by seed: a machine whose speed drifts is the same for the arms that are compared.
    for seed, (arm, config) in itertools.product(range(seeds), zip(arms, configs, strict=True)):
        with pace.training(f"{arm.name}, seed {seed}"):
            seeded = dataclasses.replace(config, seed=seed)
            path, own = arm.run_dir(folder, seed), registry.recipe(arm.recipe).config.model
            try:
                if arm.teachers:
                    place = _teacher(experiment, arm, folder, seed, [*stored, *rows])
                    seeded = override(seeded, {"training": {"distillation": {"teacher": place}}})
                check_switches(seeded.training)
                seeded, data = load_for(seeded, own, loaded(config.data))
                row = _row(experiment, arm, seeded, path, display, data)
            except TrainingError as error:  # it would end so each time
                display.say(f"{arm.name} seed {seed} has no figures: {error}")
                row = {DIVERGED: 1, **environment.place(environment.describe())}
        rows.append({"arm": arm.name, "seed": seed, **row})
        if "validation_accuracy" in row:
            reached = percent(row["validation_accuracy"])
            display.say(f"{arm.name} seed {seed}: validation {reached}")
    return rows


def _teacher(
    experiment: Experiment, arm: Arm, folder: Path, seed: int, rows: Sequence[Row]
) -> Path:
    """Return the run that teaches an arm; that of several arms is made of theirs, and kept.

    Raise TrainingError if the training of one of them diverged, as the rows say.
    """
    for row in rows:
        if row["seed"] == seed and row["arm"] in arm.teachers and row.get(DIVERGED):
            raise TrainingError(f"the training of its teacher {row['arm']} diverged.")
    arms = {one.name: one for one in experiment.all_arms()}
    members = [arms[name].run_dir(folder, seed) for name in arm.teachers]
    if len(members) == 1:
        return members[0]
    from fashion_zoo.ensembles import ensemble

    place = arm.run_dir(folder / "teachers", seed)
    kept = runs.open_run(place) if runs.is_run(place) else None
    of = [one["digest"] for one in kept.ensemble["members"]] if kept and kept.ensemble else None
    if not kept or not kept.finished or of != [digest_of(one) for one in members]:
        ensemble(members, to=place, force=True, progress=False)
    return place


def _row(
    experiment: Experiment, arm: Arm, config: RunConfig, path: Path, display: Any, data: Dataset
) -> dict[str, Any]:
    if program := arm.program:
        settings = {
            "arm": arm.name,
            "seed": config.seed,
            "data": config.data,
            "source": _source(program),
        }
        file = path.with_name(f"{path.name}.json")
        found = keep(file, settings, lambda: dict(program(config.seed, data)))
        return {**found, **environment.place(environment.describe())}
    from fashion_zoo.evaluation import evaluate_run
    from fashion_zoo.training.session import train_once

    done = train_once(registry.recipe(arm.recipe), config, path, display, data)
    if not experiment.chooses:
        with waiting("Evaluating on the test images", display.enabled):
            known = done.result("evaluation")
            if not known or (correct in experiment.measures() and correct(done) is None):
                evaluate_run(done, given=data)
    row: dict[str, Any] = {}
    for metric in experiment.measures():
        found = metric(done)
        row |= found if isinstance(found, Mapping) else {metric.__name__: found}
    return {**row, **environment.place(done.read_json("environment.json"))}


def _source(program: Callable[..., Any]) -> str | None:
    """Return the digest of the file that defines a program, None if there is none.

    That of one's own experiment may change without a commit.
    """
    while isinstance(program, functools.partial):
        program = program.func
    with contextlib.suppress(TypeError, OSError):
        return hashlib.sha256(Path(inspect.getfile(program)).read_bytes()).hexdigest()[:12]
    return None


def _write(measured: Measured, places: Places, published: Path | None) -> str:
    """Write table and figure into the page, if any, and return the table and where they are.

    With the published page the further files of the experiment are written. Without a page the
    figure is beside the rows.
    """
    experiment, page = measured.experiment, places.page
    drawn = False
    if draw := experiment.figure:
        picture = (page or places.rows).with_name(experiment.picture)
        drawn = figures.try_save(picture, lambda: draw(measured))
    if page is None:
        return f"{measured.text()}\n\nPicture: {picture}" if drawn else measured.text()
    pages.put(page, {experiment.mark: measured.section()})
    if experiment.more and page == published:
        for path, content in experiment.more(measured, places).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_bytes(path, content.encode() if isinstance(content, str) else content)
    return f"{measured.text()}\n\nPage: {page}"
