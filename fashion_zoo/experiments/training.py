"""Train and evaluate the missing arms and seeds of an experiment."""

import contextlib
import dataclasses
import functools
import hashlib
import inspect
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fashion_zoo import registry, runs
from fashion_zoo.config import RunConfig, digest
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.config.overrides import override
from fashion_zoo.config.switches import check_switches
from fashion_zoo.data import Dataset, load, load_for
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.errors import ConfigError, TrainingError
from fashion_zoo.experiments.experiment import Arm, Experiment, Row
from fashion_zoo.experiments.metrics import correct
from fashion_zoo.experiments.stored import keep
from fashion_zoo.language.arguments import received
from fashion_zoo.language.wording import percent
from fashion_zoo.machine import environment
from fashion_zoo.results import DIVERGED, TOOK
from fashion_zoo.show.progress import Pace, TrainingDisplay
from fashion_zoo.show.waiting import Progress, waiting
from fashion_zoo.storage import absolute

OWN = ("arm", "seed", "config", TOOK, "machine", "commit", DIVERGED)
"""Columns of every row, beside those of metrics and programs."""


def configs_of(
    experiment: Experiment, arms: Sequence[Arm], changes: Sequence[Mapping[str, Any]]
) -> dict[str, RunConfig]:
    """Return the config of each arm, with the usual seed; ``changes`` come last, in order."""
    return {
        arm.name: functools.reduce(
            override,
            (experiment.settings, arm.changes, *changes),
            registry.recipe(arm.recipe).config,
        )
        for arm in arms
    }


def settings_of(arm: Arm, config: RunConfig) -> Row:
    """Return the column of a row with the digest of the arm's settings; a program has none.

    Paths below the current folder count from there: rows are published, and folders are moved.
    """
    return {} if arm.program else {"config": digest.of(config, absolute("."))}


def current(
    rows: Sequence[Row], arms: Sequence[Arm], configs: Mapping[str, RunConfig]
) -> list[Row]:
    """Return the rows but for those of arms that had other settings when they were measured.

    Older rows and those of programs do not tell, and stay.
    """
    now = {arm.name: settings_of(arm, configs[arm.name]).get("config") for arm in arms}
    return [
        row for row in rows if now.get(row["arm"]) in (None, row.get("config", now.get(row["arm"])))
    ]


def measure(
    experiment: Experiment,
    configs: Mapping[str, RunConfig],
    arms: Sequence[Arm],
    seeds: Sequence[int],
    folder: Path,
    progress: Progress,
    stored: Sequence[Row] = (),
) -> list[Row]:
    """Return the rows of these arms, trained and evaluated where they are not; ``stored`` are
    those of others.
    """
    if any(configs[arm.name].training.policy for arm in arms):
        need_tensorflow()
    rows: list[Row] = []
    display, loaded = TrainingDisplay(progress), functools.cache(load)
    pace = Pace(len(arms) * len(seeds), display.say, kinds=len(arms))
    # Seed by seed: a machine whose speed drifts is the same for the arms that are compared.
    for seed, arm in itertools.product(seeds, arms):
        with pace.training(f"{arm.name}, seed {seed}"):
            began, config = time.perf_counter(), configs[arm.name]
            seeded = dataclasses.replace(config, seed=seed)
            path, own = arm.run_dir(folder, seed), registry.recipe(arm.recipe).config.model
            try:
                if arm.teachers:
                    place = _teacher(experiment, arm, folder, seed, [*stored, *rows])
                    seeded = override(seeded, {"training": {"distillation": {"teacher": place}}})
                check_switches(seeded.training)
                seeded, data = load_for(seeded, own, loaded(config.data))
                row = _row(experiment, arm, seeded, path, display, data, began)
            except TrainingError as error:  # it would end so each time
                display.say(f"{arm.name} seed {seed} has no figures: {error}")
                machine = environment.place(environment.describe())
                row = {DIVERGED: 1, TOOK: _since(began), **machine}
        rows.append({"arm": arm.name, "seed": seed, **row, **settings_of(arm, config)})
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


def _since(began: float) -> float:
    """Return the seconds since then; a row has those that it took to be made."""
    return round(time.perf_counter() - began, 2)


def _row(
    experiment: Experiment,
    arm: Arm,
    config: RunConfig,
    path: Path,
    display: TrainingDisplay,
    data: Dataset,
    began: float,
) -> dict[str, Any]:
    if program := arm.program:
        settings = {
            "arm": arm.name,
            "seed": config.seed,
            "data": config.data,
            "source": _source(program),
        }
        file = path.with_name(f"{path.name}.json")

        def answer() -> dict[str, Any]:
            found = _called(program, config.seed, data, display)
            return {**_answer(arm, found), TOOK: _since(began)}

        found = keep(file, settings, answer)
        return {**found, **environment.place(environment.describe())}
    from fashion_zoo.evaluation import evaluate_run
    from fashion_zoo.training.session import train_once

    done = train_once(registry.recipe(arm.recipe), config, path, display, data)
    if not experiment.chooses:
        with waiting("Evaluating on the test images", display.enabled):
            known = done.result("evaluation")
            if not known or (correct in experiment.measures() and correct(done) is None):
                evaluate_run(done, given=data, draw=experiment.pictures)
    row: dict[str, Any] = {}
    for metric in experiment.measures():
        row |= _columns(_named(metric, metric(done)), row)
    # Of a run that was there, or was resumed, it is known how long its training took.
    took = max(_since(began), done.read_json("training.json")["seconds"])
    return {**row, TOOK: took, **environment.place(done.read_json("environment.json"))}


def _named(metric: Callable[..., Any], found: Any) -> Mapping[str, Any]:
    """Return what a metric returned, by column."""
    if isinstance(found, Mapping):
        return found
    name = getattr(metric, "__name__", None)
    if name is None:
        raise ConfigError(
            "The name of a metric is its column, so it is a function with a name or returns a "
            f"dictionary; received {received(metric)}."
        )
    return {name: found}


def _columns(found: Mapping[str, Any], row: Mapping[str, Any] = MappingProxyType({})) -> Row:
    """Return columns as a dictionary; raise ConfigError for one that is there already."""
    for name in found:
        if name in row or name in OWN:
            raise ConfigError(
                f"There are two columns {name!r}: give the metric or what it returns another name."
            )
    return dict(found)


def _called(program: Callable[..., Any], seed: int, data: Dataset, display: TrainingDisplay) -> Any:
    """Return what a program returns; one of several trainings may show them on the display."""
    shown = False
    with contextlib.suppress(TypeError, ValueError):  # a callable without a signature
        given = inspect.signature(program).parameters.get("display")
        shown = given is not None and given.default is None
    return program(seed, data, **({"display": display} if shown else {}))


def _answer(arm: Arm, found: Any) -> dict[str, Any]:
    if not isinstance(found, Mapping):
        raise ConfigError(
            f"The program of arm {arm.name!r} must return a dictionary from column to value; it "
            f"returned {received(found)}."
        )
    return _columns(found)


def _source(program: Callable[..., Any]) -> str | None:
    """Return the digest of the file that defines a program, None if there is none.

    That of one's own experiment may change without a commit.
    """
    while isinstance(program, functools.partial):
        program = program.func
    with contextlib.suppress(TypeError, OSError):
        return hashlib.sha256(Path(inspect.getfile(program)).read_bytes()).hexdigest()[:12]
    return None
