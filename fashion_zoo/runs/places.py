"""Where a run folder may be made, who holds it, and what happens to an older one there."""

import contextlib
import dataclasses
import datetime
import itertools
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import differences
from fashion_zoo.data import Description
from fashion_zoo.errors import ConfigError, Hint, Message, RunError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.runs.config_file import is_run, write_config
from fashion_zoo.runs.holding import Held, drop_aside, is_aside, put_back, set_aside
from fashion_zoo.runs.run import Run, open_run
from fashion_zoo.runs.settings import as_stored
from fashion_zoo.storage import locks


@checked
def default_run_dir(name: str) -> Path:
    """Return ``runs/NAME-DATE-TIME``."""
    return Path("runs") / f"{name}-{datetime.datetime.now():%Y%m%d-%H%M%S}"


@contextlib.contextmanager
def create(
    path: AnyPath,
    recipe_name: str,
    config: RunConfig,
    environment: Mapping[str, Any],
    *,
    data: Description | None = None,
    force: bool = False,
) -> Iterator[Run]:
    """Make a run folder, hold its lock, and yield it.

    After an exception a run that has no state yet is taken away again. An older run that
    ``force`` replaces is set aside until the end, and comes back after an exception.

    Raises:
        RunError: something is there already; RunLockedError: another process is at it.
        StorageError: the folder cannot be written.
    """
    check_free(path, force=force)
    place = storage.resolve(path)
    with locks.lock(place) as lock:
        _settle(place)
        _check_free(path, force=force)
        was_there = place.is_dir()
        with storage.as_storage_error(place):
            if is_run(place):
                if is_aside(place):  # a forced run that was killed is forced again
                    storage.remove(place)
                else:
                    set_aside(place)
            place.mkdir(parents=True, exist_ok=True)
        storage.sweep(place)
        with Held(Path(path), lock) as held:
            try:
                run = Run(Path(path), recipe_name, config, data, held.check)
                write_config(place / "config.json", recipe_name, config, data)
                storage.write_json(place / "environment.json", dict(environment))
                yield run
            except BaseException:
                # What another process, or another folder, has there is not taken away.
                if held.is_ours() and (is_aside(place) or not run.has_checkpoint):
                    shutil.rmtree(place, ignore_errors=True)
                    if is_aside(place):
                        put_back(place)
                    elif was_there:
                        place.mkdir()
                raise
            drop_aside(place)


@contextlib.contextmanager
def create_next(
    path: AnyPath,
    recipe_name: str,
    config: RunConfig,
    environment: Mapping[str, Any],
    *,
    data: Description | None = None,
) -> Iterator[Run]:
    """Do as ``create`` at the first of PATH, PATH-2, PATH-3, ... where nothing is.

    Several trainings that begin in the same second want the same name.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        for number in itertools.count(1):
            place = path if number == 1 else path.with_name(f"{path.name}-{number}")
            with contextlib.suppress(RunError):
                run = stack.enter_context(
                    create(place, recipe_name, config, environment, data=data)
                )
                break
        yield run


@contextlib.contextmanager
def reopen(path: AnyPath, environment: Mapping[str, Any]) -> Iterator[Run]:
    """Open a run folder to go on with it, and hold its lock.

    Raises:
        RunError: as ``open_run``; RunLockedError: another process is at it.
        StorageError: the folder cannot be written.
    """
    place = storage.resolve(path)
    with locks.lock(place) as lock:
        _settle(place)
        run = open_run(path)
        with Held(Path(path), lock) as held:
            run = dataclasses.replace(run, check=held.check)
            storage.sweep(place)
            if not (place / "environment.json").is_file():
                storage.write_json(place / "environment.json", dict(environment))
            yield run
            drop_aside(place)


@checked
def check_free(path: AnyPath, *, force: bool = False, resume: bool = False) -> None:
    """Check that a run may be made at ``path``, or gone on with.

    Raises:
        RunError: something is there. With ``force`` an older run is replaced, with ``resume`` it
            is gone on with, but nothing that is not a run.
        RunLockedError: another process is at it.
    """
    place = storage.resolve(path)
    locks.check_unlocked(place)
    if resume and is_aside(place):
        with locks.lock(place):
            _settle(place)
    if not (resume and is_run(place)):
        _check_free(path, force=force)


def check_beginning(run_dir: AnyPath | None, *, force: bool, resume: bool) -> None:
    """Check that a training may begin or go on in a folder.

    Args:
        run_dir: the folder; None for a new one.
        force: replace an older run there.
        resume: go on with it.

    Raises:
        ConfigError: ``resume`` without a folder, or with ``force``.
        RunError: as ``check_free``.
    """
    if resume and (force or run_dir is None):
        raise ConfigError(
            "resume needs a run folder and goes on with the run there; it cannot be combined with "
            "force, which replaces it. Set ",
            Hint("run_dir"),
            ", and leave out ",
            Hint("force"),
            ".",
        )
    if run_dir is not None:
        check_free(run_dir, force=force, resume=resume)


def check_same(run: Run, name: str, config: RunConfig) -> None:
    """Check that a run is of this recipe and config.

    Raises:
        RunError: it is not; the message has the differences.
    """
    if run.recipe != name:
        raise RunError(f"{run.path} is a run of {run.recipe}, not of {name}. Choose another place.")
    same = as_stored(run.config) == as_stored(config)
    changed = [] if same else differences(run.config, config)
    if changed:
        raise RunError(
            f"{run.path} cannot go on with another config. {'; '.join(changed)}. Leave these out, "
            "or begin a new run from its state with ",
            Hint("fork", str(run.path)),
            ".",
        )


def _check_free(path: AnyPath, *, force: bool) -> None:
    instead = Message(
        "go on with it with ", Hint("resume", True), ", or replace it with ", Hint("force", True)
    )
    storage.check_free(path, "a run", is_run, force=force, instead=instead)


def _settle(place: Path) -> None:
    """Put an older run back that a kill left set aside, with nothing in its place yet."""
    with storage.as_storage_error(place):
        if is_aside(place) and storage.is_free(place):
            storage.remove(place)
            put_back(place)
