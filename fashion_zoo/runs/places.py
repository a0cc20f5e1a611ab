"""Where a run folder may be made, who holds it, and what happens to an older one there."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import locks, storage
from fashion_zoo.arguments import AnyPath, checked
from fashion_zoo.config import RunConfig
from fashion_zoo.errors import Hint, Message, RunError
from fashion_zoo.overrides import differences
from fashion_zoo.runs.run import Run, is_run, open_run, write_config
from fashion_zoo.runs.settings import as_stored


@contextlib.contextmanager
def create(
    path: AnyPath,
    recipe_name: str,
    config: RunConfig,
    environment: Mapping[str, Any],
    *,
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
    with locks.lock(place):
        _settle(place)
        _check_free(path, force=force)
        aside, was_there = _aside(place), place.is_dir()
        with storage.as_storage_error(place):
            if is_run(place):
                if aside.exists():  # a forced run that was killed is forced again
                    storage.remove(place)
                else:
                    place.rename(aside)
            place.mkdir(parents=True, exist_ok=True)
        storage.sweep(place)
        try:
            run = Run(Path(path), recipe_name, config)
            write_config(place / "config.json", recipe_name, config)
            storage.write_json(place / "environment.json", dict(environment))
            yield run
        except BaseException:
            if aside.exists() or not run.has_state:
                shutil.rmtree(place, ignore_errors=True)
                if aside.exists():
                    aside.rename(place)
                elif was_there:
                    place.mkdir()
            raise
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def create_next(
    path: AnyPath, recipe_name: str, config: RunConfig, environment: Mapping[str, Any]
) -> Iterator[Run]:
    """Do as ``create`` at the first of PATH, PATH-2, PATH-3, ... where nothing is.

    Several trainings that begin in the same second want the same name.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        for number in itertools.count(1):
            place = path if number == 1 else path.with_name(f"{path.name}-{number}")
            with contextlib.suppress(RunError):
                run = stack.enter_context(create(place, recipe_name, config, environment))
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
    with locks.lock(place):
        _settle(place)
        run = open_run(path)
        storage.sweep(place)
        run.prune_states()
        if not (place / "environment.json").is_file():
            storage.write_json(place / "environment.json", dict(environment))
        yield run
        shutil.rmtree(_aside(place), ignore_errors=True)


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
    if resume and os.path.exists(_aside(place)):
        with locks.lock(place):
            _settle(place)
    if not (resume and is_run(place)):
        _check_free(path, force=force)


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


def _aside(place: Path) -> Path:
    """Return where an older run waits while ``force`` replaces it."""
    return place.with_name(f".{place.name}.replaced")


def _settle(place: Path) -> None:
    """Put an older run back that a kill left set aside, with nothing in its place yet."""
    aside = _aside(place)
    with storage.as_storage_error(place):
        if aside.exists() and storage.is_free(place):
            storage.remove(place)
            aside.rename(place)
