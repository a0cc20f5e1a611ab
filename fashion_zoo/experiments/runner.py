"""Run an experiment: have its arms measured, and write its rows and its page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from fashion_zoo import registry, storage
from fashion_zoo.errors import ConfigError, DataError, Hint, TrainingError, resumable
from fashion_zoo.experiments import page as pages, rows as stored, training
from fashion_zoo.experiments.experiment import Arm, Experiment, Places, Row
from fashion_zoo.experiments.measured import Measured
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.wording import listed, unknown
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show import figures
from fashion_zoo.show.waiting import Progress
from fashion_zoo.storage import absolute


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
    call = {"folder": _shown(folder), **overrides} if overrides and folder else overrides
    _check_overrides(experiment, overrides)
    own = experiment.places(folder).folder == experiment.places().folder
    if own and (folder if quick else overrides):
        raise ConfigError(
            "This would replace the runs of the whole experiment. Name another folder with ",
            Hint("folder"),
            ".",
        )
    if quick:
        if page is not None:
            raise ConfigError(
                "A quick look writes no page. Leave out ", Hint("page"), " or ", Hint("quick"), "."
            )
        experiment, changes = experiment.quickly(), [experiment.quick.changes, overrides]
    done = outcome(experiment, seeds, folder, page, only, measure, progress, changes, call)
    return pages.Markdown(done.text)


def _check_overrides(experiment: Experiment, overrides: Mapping[str, Any]) -> None:
    """Raise ConfigError if one is of what tells arms apart, or none of an arm that is a program."""
    arms = experiment.all_arms()
    for arm in arms:
        if arm.program and (others := sorted(overrides.keys() - {"data"})):
            raise ConfigError(
                f"{arm.name!r} is a program, which takes its data and no other override; received "
                f"{listed(others)}."
            )
    own = [dict(_leaves(arm.changes)) for arm in arms]
    apart = [
        path
        for path in dict.fromkeys(path for one in own for path in one)
        if len({repr(one.get(path)) for one in own}) > 1
    ]
    for given, _ in _leaves(overrides):
        for path in apart:
            if given[: len(path)] == path[: len(given)]:
                raise ConfigError(
                    f"Arms differ in {'.'.join(path)}, so it cannot be the same for all of them. "
                    f"Leave out {'.'.join(given)}."
                )


def _leaves(changes: Mapping[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield path and value of each setting."""
    for name, value in changes.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, *path, name)
        else:
            yield (*path, name), value


def _shown(folder: Any) -> str:
    """Return a path as one would write it here."""
    path, here = Path(folder), absolute(".")
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


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
    call: Mapping[str, Any] = MappingProxyType({}),
) -> Outcome:
    """Return what ``run`` measures, with its text.

    ``changes`` are of every config, in order, and ``call`` has further arguments of the call that
    reproduces the table.
    """
    seeds, arms = experiment.seeds if seeds is None else seeds, experiment.all_arms()
    if seeds < (fewest := 1 if experiment.chooses else 2):
        reason = "" if experiment.chooses else ", for an interval"
        raise ConfigError(f"seeds must be at least {fewest}{reason}; received {seeds}.")
    places, home = experiment.places(folder, page), experiment.places()
    named = _chosen(arms, only)
    chosen = named if measure else []
    if places.page:
        pages.around(places.page, experiment.mark)
    if measure:
        _check_metrics(experiment, arms)
        for source in experiment.imports:
            registry.load_recipes(source)
    known = [arm for arm in arms if measure or arm.recipe in registry.list_recipes()]
    configs = training.configs_of(experiment, known, changes)
    kept = stored.kept(places.rows, {arm.name for arm in chosen})
    own: list[Row] = []
    if chosen:
        before = training.current(kept, known, configs)
        own = training.measure(
            experiment, configs, chosen, range(seeds), places.folder, progress, before
        )
        kept = stored.replace(places.rows, places.folder, own, [arm.name for arm in arms])
    now = training.current(kept, known, configs)
    other = dict.fromkeys(row["arm"] for row in kept if row not in now)
    measured = Measured(experiment, [*now, *own], other, call)
    if not measured.by_arm:
        kind = TrainingError if measured.diverged else DataError
        raise kind(_without(experiment, measured, places.rows))
    return Outcome(measured, _write(measured, places, home.page))


def _check_metrics(experiment: Experiment, arms: Sequence[Arm]) -> None:
    """Raise ConfigError if a claim is on a metric that nothing will measure.

    What metrics of one's own and programs measure is not known before.
    """
    if experiment.metrics is None and not any(arm.program for arm in arms):
        known = [one.__name__ for one in experiment.measures()]
        for claim in experiment.claims:
            if claim.metric not in known:
                raise ConfigError(unknown("metric of a claim", claim.metric, known))


def _chosen(arms: Sequence[Arm], only: str | None) -> list[Arm]:
    named = [arm for arm in arms if arm.name == only]
    found = named or [
        arm for arm in arms if only is None or (arm.recipe == only and not arm.program)
    ]
    if not found:
        raise ConfigError(unknown("arm", str(only), [arm.name for arm in arms]))
    return found


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


def _without(experiment: Experiment, measured: Measured, file: Path) -> str:
    """Return why there is no table to write."""
    if measured.diverged:
        return (
            f"The loss of every training of experiment {experiment.name} diverged, so there is no "
            "table to write. Lower the learning rate."
        )
    of = " with the settings it has now" if measured.other else ""
    return (
        f"{file} has no rows of experiment {experiment.name}{of}, so there is no table to write. "
        "Measure them first."
    )
