"""Make, resume and lock run folders, and keep a backup of a run while another replaces it."""

import contextlib
import dataclasses
import datetime
import itertools
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import differences, override
from fashion_zoo.data import Description
from fashion_zoo.errors import Call, ConfigError, Hint, Message, RunError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.runs.ensembled import Ensemble
from fashion_zoo.runs.run import Run, open_run
from fashion_zoo.runs.stored import as_stored, is_run, write_config
from fashion_zoo.storage import locks

# The file that tells a backup from other folders; in a run, ``sweep`` removes it.
_MARK = ".tmp-fashion_zoo-set-aside"


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
    ensemble: Ensemble | None = None,
    force: bool = False,
) -> Iterator[Run]:
    """Make a run folder, hold its lock, and yield the run.

    After an exception a run without a checkpoint is removed. An older run that ``force`` replaces
    is kept as a backup until the new one is finished, and restored after an exception; Ctrl-C keeps
    a new one with a checkpoint. Something else that is there raises RunError.
    """
    place = storage.resolve(path)
    with locks.lock(place) as lock:
        _recover(place)
        _check_free(path, force=force)
        was_there = place.is_dir()
        with storage.as_storage_error(place):
            if is_run(place):
                if has_backup(place):  # a forced run that was killed is forced again
                    storage.remove(place)
                else:
                    back_up(place)
            place.mkdir(parents=True, exist_ok=True)
        storage.sweep(place)
        lock.follow(Path(path))
        try:
            run = Run(Path(path), recipe_name, config, data, ensemble, lock.check)
            write_config(place / "config.json", recipe_name, config, data, ensemble)
            storage.write_json(place / "environment.json", dict(environment))
            yield run
        except BaseException as error:
            failed = has_backup(place) and not isinstance(error, KeyboardInterrupt)
            # A folder that is no longer held may be another process's.
            if lock.is_held() and (failed or not run.has_checkpoint):
                shutil.rmtree(place, ignore_errors=True)
                if has_backup(place):
                    _restore_backup(place)
                elif was_there:
                    place.mkdir()
            raise
        _remove_backup(place, run)


@contextlib.contextmanager
def create_next(path: AnyPath, *arguments: Any, **options: Any) -> Iterator[Run]:
    """Create a run, as ``create`` without force, at the first free path of PATH, PATH-2, ...

    Trainings that begin in the same second have the same default path.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        for number in itertools.count(1):
            place = path if number == 1 else path.with_name(f"{path.name}-{number}")
            with contextlib.suppress(RunError):
                run = stack.enter_context(create(place, *arguments, **options))
                break
        yield run


@contextlib.contextmanager
def reopen(path: AnyPath, environment: Mapping[str, Any]) -> Iterator[Run]:
    """Open a run folder to resume its training, hold its lock, and yield the run."""
    place = storage.resolve(path)
    with locks.lock(place) as lock:
        _recover(place)
        run = open_run(path)
        lock.follow(Path(path))
        storage.sweep(place)
        if not (place / "environment.json").is_file():
            storage.write_json(place / "environment.json", dict(environment))
        yield dataclasses.replace(run, check=lock.check)
        _remove_backup(place, run)


@checked
def check_free(path: AnyPath | None, *, force: bool = False, resume: bool = False) -> None:
    """Check that a run may be made at ``path``, or resumed there.

    Args:
        path: the run folder; None for a new one.
        force: replace an older run there.
        resume: resume the run there, if there is one.

    Raises:
        ConfigError: if ``resume`` is combined with ``force``, or there is no path to resume.
        RunError: if something is there that is not a run, or a run without ``force`` or ``resume``.
        RunLockedError: if another process holds the folder.
    """
    if resume and (force or path is None):
        raise ConfigError(
            "resume needs the folder of a run; it cannot be combined with force, which replaces "
            "that run. Set ",
            Hint("run_dir"),
            ", and leave out ",
            Hint("force"),
            ".",
        )
    if path is None:
        return
    place = storage.resolve(path)
    locks.check_unlocked(place)
    if resume and has_backup(place):
        with locks.lock(place):
            _recover(place)
    if not (resume and is_run(place)):
        _check_free(path, force=force)


def check_same(run: Run, name: str, config: RunConfig) -> None:
    """Check that a run has this recipe and config; raises RunError with the differences.

    Paths may have moved: ``check_images`` compares what is in them, and a teacher or a file of
    weights has a digest.
    """
    check_trained(run)
    if run.recipe != name:
        raise RunError(f"{run.path} is a run of {run.recipe}, not of {name}. Choose another place.")
    if "(" in run.config.data.source and "(" in config.data.source:
        config = override(config, {"data": {"source": run.config.data.source}})
    for section, place in (("distillation", "teacher"), ("weighting", "file")):
        known, now = (getattr(one.training, section) for one in (run.config, config))
        if known.digest == now.digest:
            moved = {section: {place: getattr(known, place)}}
            config = override(config, {"training": moved})
    same = as_stored(run.config) == as_stored(config)
    changed = [] if same else differences(run.config, config)
    if changed:
        raise RunError(
            f"{run.path} cannot be resumed with another config. {'; '.join(changed)}. Leave these "
            "out, or begin a new run from its checkpoint with ",
            Hint("fork", str(run.path)),
            ".",
        )


def check_trained(run: Run) -> None:
    """Check that a run is one of a training; raises RunError for an ensemble."""
    if run.ensemble:
        raise RunError(
            f"{run.path} is an ensemble ({run.ensemble.title}), which has no training to resume, "
            "fork or publish. Use one of its members."
        )


def check_finished(run: Run) -> None:
    """Check that a training has ended; raises RunError if it was interrupted."""
    if not run.finished:
        place = (Hint("run_dir", str(run.path)), Hint("resume", True))
        resumed = Call("train", (run.recipe,), place)
        raise RunError(f"{run.path} is not trained to its end. Resume it with ", resumed, ".")


def _check_free(path: AnyPath, *, force: bool) -> None:
    instead = Message(
        "resume it with ", Hint("resume", True), ", or replace it with ", Hint("force", True)
    )
    storage.check_free(path, "a run", is_run, force=force, instead=instead)


def _recover(place: Path) -> None:
    """Restore the backup that a killed process left, if it left nothing in its place."""
    with storage.as_storage_error(place):
        if has_backup(place) and storage.is_free(place):
            storage.remove(place)
            _restore_backup(place)


def back_up(place: Path) -> None:
    """Rename an older run before another replaces it."""
    backup = _backup(place)
    if os.path.lexists(backup):
        raise RunError(
            f"{backup} is there, where {place} would be kept until the new run is trained, and was "
            "not put there by this package. Move it away."
        )
    (place / _MARK).touch()
    place.rename(backup)


def has_backup(place: Path) -> bool:
    """Return whether this package renamed an older run; the name alone is not enough."""
    backup = _backup(place)
    return not backup.is_symlink() and os.path.isfile(backup / _MARK) and is_run(backup)


def _restore_backup(place: Path) -> None:
    _backup(place).rename(place)
    (place / _MARK).unlink(missing_ok=True)


def _remove_backup(place: Path, run: Run) -> None:
    """Remove the older run once the new one is finished, which Ctrl-C may have prevented."""
    if run.finished and has_backup(place):
        shutil.rmtree(_backup(place), ignore_errors=True)


def _backup(place: Path) -> Path:
    return place.with_name(f".{place.name}.replaced")
