"""Ensembles that train their members: other seeds, bagging, boosting, snapshots."""

import dataclasses
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from fashion_zoo import registry, storage
from fashion_zoo.config import RunConfig, SchedulesConfig
from fashion_zoo.config.overrides import differences, override
from fashion_zoo.config.switches import check_switches
from fashion_zoo.data import Dataset, load_for
from fashion_zoo.ensembles import boosting
from fashion_zoo.ensembles.making import ensemble
from fashion_zoo.ensembles.members import correct_of
from fashion_zoo.errors import ConfigError, Hint, RunError, resumable
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import AnyPath, Place, checked
from fashion_zoo.machine.devices import releasing
from fashion_zoo.runs import Run, as_stored, check_images, check_teacher, is_run, open_run
from fashion_zoo.show.waiting import Progress
from fashion_zoo.storage import absolute

Training = Literal["seeds", "bagging", "boosting", "snapshots"]
Train = Callable[[RunConfig, Path], Run]
"""Returns the finished run of a config in a folder; one that is finished is not trained again."""


@checked
@resumable()
@releasing()
def train_ensemble(
    name: str,
    method: Training,
    *,
    to: Place,
    members: int = 5,
    members_dir: Place | None = None,
    temperature: bool = False,
    config: RunConfig | None = None,
    data: Any = None,
    data_settings: Mapping[str, Any] | None = None,
    force: bool = False,
    progress: Progress = "auto",
    **overrides: Any,
) -> Run:
    """Train the members of an ensemble, and combine them.

    The members are runs in a folder, ``1``, ``2``, ... After an interruption the same call resumes:
    members that are finished are not trained again, and an ensemble that is finished is returned.

    Args:
        name: the recipe.
        method: how the members are trained. ``"seeds"``: each with a seed of its own, that of the
            config and the next ones. ``"bagging"``: each on a bootstrap sample as well.
            ``"boosting"``: each with weights of the images on which those before it are wrong, by
            SAMME. ``"snapshots"``: one training, of as many cycles of the learning rate.
            Snapshots, seeds and bagging are averaged; boosting is combined by ``boost``.
        to: the folder of the ensemble; see ``ensemble``.
        members: number of members, at least 2.
        members_dir: the folder of their runs; by default that of the ensemble with ``-members``.
        temperature: as for ``ensemble``.
        config: the config of the members, by default the recipe's.
        data: the images, by default those of the config; see ``fashion_zoo.data.load``.
        data_settings: the settings of ``data``.
        force: replace an older ensemble there, also one of this call; members are never replaced.
        progress: show progress on a terminal: True, False, or "auto".
        **overrides: fields of the config: ``seed=3``, ``training={"epochs": 5}``.

    Returns:
        The run of the ensemble.

    Raises:
        ConfigError: if a setting is not allowed, or does not fit the method.
        RunError: if a member is there with another config, or something else is at ``to``.
        TrainingError: if the loss of a member diverges.
        KeyboardInterrupt: after Ctrl-C; the next call resumes.

    Example:
        ```python
        run = fashion_zoo.train_ensemble("bn_mlp", "boosting", members=5, to="ensembles/boosted")
        fashion_zoo.evaluate(run)
        ```
    """
    checks.whole("members", members, 2, 1000)
    entry = registry.recipe(name)
    made = _made(to, force=force)
    folder = Path(members_dir) if members_dir else Path(f"{to}-members")
    chosen = override(config or entry.config, overrides)
    check(method, chosen, members)
    chosen, dataset = load_for(chosen, entry.config.model, data, data_settings, overrides)
    check_teacher(chosen.training.distillation, dataset)

    from fashion_zoo.show.progress import Pace, TrainingDisplay

    display = TrainingDisplay(progress)
    if made is not None:
        _check_same(made, dataset, name, method, chosen, members, temperature)
        if made.finished:
            display.say(f"{made.path} is finished: nothing is left to train.")
            return made

    from fashion_zoo.training.session import train_run

    pace = Pace(1 if method == "snapshots" else members, display.say)

    def train(wanted: RunConfig, path: Path) -> Run:
        with pace.training(f"member {path.name}"), releasing():
            run, interrupted = train_run(
                entry, wanted, path, data=dataset, display=display, resume=True
            )
        if interrupted:
            raise KeyboardInterrupt
        return run

    trained = train_members(method, chosen, members, folder, dataset, train)
    return ensemble(
        trained, COMBINED_BY[method], to=to, temperature=temperature, data=dataset,
        force=force or made is not None, snapshots=method == "snapshots", progress=progress,
    )  # fmt: skip


def _made(place: AnyPath, *, force: bool) -> Run | None:
    """Return the ensemble at a place, which a killed process may have left unfinished, if any.

    ``force`` replaces it. Something else that is there raises RunError.
    """
    run = open_run(place) if is_run(Path(place)) and not force else None
    if run and run.ensemble:
        return run
    storage.check_free(place, "a run", is_run, force=force)
    return None


def _check_same(
    run: Run, dataset: Dataset, name: str, method: Training, config: RunConfig, members: int,
    temperature: bool,
) -> None:  # fmt: skip
    """Check that an ensemble is the one that these settings and images make.

    Raises:
        RunError: if it is of other settings. DataError: if it is of other images.
    """
    known: Any = run.ensemble
    wanted = _config_of(method, _changed(method, config, members))
    seeds = [config.seed + (0 if method == "snapshots" else place) for place in range(members)]
    pairs = {
        "recipe": (run.recipe, name),
        "method": (known["method"], COMBINED_BY[method]),
        "temperature": (known["temperature"] is not None, temperature),
        "seeds": ([one["seed"] for one in known["members"]], seeds),
    }
    changed = [f"{what}: {old}, now {new}" for what, (old, new) in pairs.items() if old != new]
    if as_stored(run.config) != as_stored(wanted):
        changed += differences(run.config, wanted)
    if changed:
        raise RunError(
            f"{run.path} holds an ensemble of other settings. {'; '.join(changed)}. Choose another "
            "place, or replace it with ",
            Hint("force", True),
            ".",
        )
    check_images(run, dataset)


COMBINED_BY: dict[Training, str] = dict.fromkeys(get_args(Training), "average")
COMBINED_BY["boosting"] = "boost"


def check(method: Training, config: RunConfig, members: int) -> None:
    """Check, before the first member is trained, that all of them can be.

    Raises:
        ConfigError: if the config does not fit the method.
    """
    training = config.training
    check_switches(training)
    if method == "bagging" and training.sampling == "balanced":
        raise ConfigError(
            "Members of bagging are trained on bootstrap samples, received sampling 'balanced'. "
            "Leave it out; class_weight can be set."
        )
    if method == "boosting" and training.weighting.enabled:
        raise ConfigError(
            "Members of boosting have weights of the images that boosting makes, received "
            f"weighting.file {training.weighting.file!r}. Leave it out."
        )
    if method == "snapshots" and training.early_stopping.monitor != "none":
        raise ConfigError(
            "Members of snapshots are the ends of all cycles of one training, which may not stop "
            f"before, received early_stopping.monitor {training.early_stopping.monitor!r}. Leave "
            "it out."
        )
    _changed(method, config, members)


def train_members(
    method: Training, config: RunConfig, members: int, folder: Path, dataset: Dataset, train: Train
) -> list[Run]:
    """Train the members of an ensemble in a folder; return their runs, of snapshots the only one.

    Member m, from 0, is in the folder m + 1 and has the seed of the config plus m. With boosting,
    its weights of the images are beside it, in the file ``weights-NUMBER.npy``.
    """
    wanted = _changed(method, config, members)
    if method == "snapshots":
        return [train(wanted, folder / "1")]
    found: list[Run] = []
    weights, classes = np.ones(dataset.count), len(dataset.class_names)
    for place in range(members):
        file = None
        if method == "boosting" and place:
            file, begun = folder / f"weights-{place + 1}.npy", is_run(folder / str(place + 1))
            if begun and file.is_file():  # predicted again, an image may be in another class
                weights = np.load(file)
            else:
                weights = boosting.reweighted(correct_of(found[-1], dataset), weights, classes)
                _write(file, weights)
        own = _config_of(method, wanted, place, file)
        found.append(train(own, folder / str(place + 1)))
    return found


def _config_of(
    method: Training, wanted: RunConfig, place: int = 0, weights: Path | None = None
) -> RunConfig:
    """Return the config of the member of a place, from 0, with the file of its weights."""
    own = dataclasses.replace(wanted, seed=wanted.seed + place)
    if method != "boosting":
        return own
    file = None if weights is None else str(absolute(weights))
    return override(own, {"training": {"weighting": {"file": file, "digest": None}}})


def _changed(method: Training, config: RunConfig, members: int) -> RunConfig:
    """Return the config with what a method changes in that of each of its members.

    A schedule of the learning rate that was chosen is kept: the config checks that it has cycles.
    """
    usual = config.training.schedules.learning_rate == SchedulesConfig().learning_rate
    cycles = f"restarts({members}, 1)" if usual else config.training.schedules.learning_rate
    changes: dict[Training, dict[str, Any]] = {
        "seeds": {},
        "bagging": {"sampling": "bootstrap"},
        # A digest, so that no file is read: the combination of settings is checked.
        "boosting": {"weighting": {"file": "weights.npy", "digest": ""}},
        "snapshots": {
            "snapshots": members,
            "schedules": {"learning_rate": cycles},
        },
    }
    return override(config, {"training": changes[method]})


def _write(file: Path, weights: np.ndarray) -> None:
    """Write weights of images."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, weights, allow_pickle=False)
    with storage.as_storage_error(file):
        storage.write_bytes(file, stream.getvalue())
