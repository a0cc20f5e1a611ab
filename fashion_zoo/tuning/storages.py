"""Storage of a study: its folder, its database, integrity checks, and the dashboard."""

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import optuna
from optuna.exceptions import DuplicatedStudyError, OptunaError, UpdateFinishedTrialError
from optuna.storages._rdb import models  # the tables have no public name
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from fashion_zoo import storage
from fashion_zoo.errors import ConfigError, FashionZooError, StudyError
from fashion_zoo.language.wording import listed
from fashion_zoo.storage.databases import file_of
from fashion_zoo.tuning.workers import Connection

_REMEDY = "restore it from a copy, or start another search in another place."


@contextlib.contextmanager
def study_folder(folder: Path) -> Iterator[None]:
    """Create the folder of a study; if the block fails, remove it as long as it is empty."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    with storage.as_storage_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # one is not empty
            for path in made:
                path.rmdir()
        raise


@contextlib.contextmanager
def opening(url: str) -> Iterator[None]:
    """Raise a StudyError if the storage cannot be opened."""
    try:
        yield
    except (
        OSError, ImportError, ValueError, RuntimeError, SQLAlchemyError, OptunaError,
    ) as error:  # fmt: skip
        reason = str(error).partition("\n")[0].rstrip(".")  # SQLAlchemy adds lines
        raise StudyError(f"The storage {shown(url)!r} cannot be opened: {reason}.") from error


def shown(url: str) -> str:
    """Return a URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError):
        return url


def connect(url: str) -> Any:
    """Open the storage; the first worker creates its tables."""
    # A worker may be stopped during a write; the others wait for it.
    waits = {"connect_args": {"factory": Connection}} if file_of(url) else {}
    # Optuna formats the URL; SQLAlchemy escapes the braces in it.
    full = make_url(url).render_as_string(hide_password=False)
    for tries_left in reversed(range(20)):
        try:
            return optuna.storages.get_storage(optuna.storages.RDBStorage(full, waits))
        except (IntegrityError, ProgrammingError):
            if not tries_left:
                raise
        time.sleep(0.2)  # another worker of a server creates the same tables


def serve(url: str, port: int) -> None:
    """Serve the dashboard until Ctrl-C; errors are those of ``zoo.dashboard``.

    ConfigError, too, if optuna-dashboard is not installed, or the port is taken.
    """
    try:
        import optuna_dashboard
    except ImportError as error:
        raise ConfigError(
            "The dashboard is not installed. Install it, in a checkout of fashion_zoo: "
            'pip install ".[dashboard]".'
        ) from error
    with opening(url):
        file = file_of(url)
        if file and not file.is_file():
            raise StudyError(f"There is no study at {file}. Run the search first.")
        if file:
            check_file(file)
        backend = connect(url)
    try:
        optuna_dashboard.run_server(backend, port=port)
    except OSError as error:
        raise ConfigError(f"Port {port} cannot be used: {error.strerror}. Name another.") from error


class Backend:
    """A storage of Optuna's that raises its errors as StudyError."""

    def __init__(self, backend: Any, place: str):
        self.backend = backend
        self.place = place

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self.backend.remove_session()
        self.backend._backend.engine.dispose()  # behind Optuna's cache, which has no public way

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.backend, name)
        if not callable(found):
            return found
        expected: list[type[Exception]] = [UpdateFinishedTrialError, DuplicatedStudyError]
        # A study or trial that is not there; in other reads, a damaged one.
        if not name.startswith("get_") or name == "get_study_id_from_name":
            expected.append(KeyError)

        def checked(*arguments: Any, **keywords: Any) -> Any:
            with reading(self.place, *expected):
                return found(*arguments, **keywords)

        return checked


class Damage(Exception):
    """The reason why a study is damaged, as a clause."""


def damaged(place: str, error: Exception) -> StudyError:
    """Return the error of a study that cannot be read or written."""
    if "database is locked" in str(error):
        return StudyError(
            f"The study in {place} is locked by another program. Close it, and run this again."
        )
    first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if isinstance(error, KeyError):
        error = Damage(first := f"{first} is missing")
    if isinstance(error, Damage):
        return StudyError(f"The study in {place} is damaged: {first}. {_REMEDY.capitalize()}")
    return StudyError(
        f"The study in {place} cannot be read or written: {first}. If it is damaged, {_REMEDY}"
    )


@contextlib.contextmanager
def reading(place: str, *expected: type[Exception]) -> Iterator[None]:
    """Raise any error as a StudyError, except those of this package and the expected ones."""
    try:
        yield
    except Exception as error:  # of a decoder, an enum, SQLAlchemy, Optuna, and so on
        if isinstance(error, (FashionZooError, *expected)):
            raise
        raise damaged(place, error) from error


def check_file(file: Path) -> None:
    """Check the SQLite file of a study, if there is one, without writing to it."""
    if not file.is_file() or not file.stat().st_size:
        return
    with reading(str(file)):
        # Not mode=ro: the write of a killed process must be rolled back before anything is read.
        url = f"{file.absolute().as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(url, uri=True, factory=Connection)) as base:
            base.execute("PRAGMA query_only = ON")
            (result,) = base.execute("PRAGMA integrity_check(1)").fetchone()
            if result != "ok":
                raise Damage(f"its pages are inconsistent ({result.splitlines()[-1]})")
            if lost := base.execute("PRAGMA foreign_key_check").fetchone():
                raise Damage(f"a row of {lost[0]} refers to a row of {lost[2]} that is missing")
            _check_tables(base, str(file))


def _check_tables(base: sqlite3.Connection, place: str) -> None:
    rows = base.execute("SELECT type, name FROM sqlite_master").fetchall()
    for kind, name in rows:
        if kind in ("trigger", "view"):
            raise Damage(f"it has the {kind} {name!r}, which no study has")
    there = {name for kind, name in rows if kind == "table"}
    tables = models.BaseModel.metadata.tables
    known = set(tables)
    if there and not there & known:
        raise StudyError(
            f"{place} is a database of another program. Choose another place for the study."
        )
    for name in sorted(there & known):
        columns = {row[1] for row in base.execute(f'PRAGMA table_info("{name}")')}
        if lacking := {column.name for column in tables[name].columns} - columns:
            raise Damage(f"the table {name} lacks {listed(sorted(lacking))}")
    filled = {name for name in there if base.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()}
    if not filled & known - {"version_info"}:
        return  # a worker was killed while it created them
    if lacking := known - there:
        raise Damage(f"the tables {listed(sorted(lacking))} are missing")
    if not {"version_info", "alembic_version"} <= filled:
        raise Damage("its version is missing")
    if "trials" in filled and "studies" not in filled:
        raise Damage("it has trials of no study")


def check_attributes(attributes: dict[str, Any], trials: Sequence[FrozenTrial]) -> None:
    """Check the fingerprint and the search space stored beside the trials."""
    stored = attributes.get("fingerprint")
    if stored is None and trials:
        raise Damage("it has trials and no fingerprint, so another program created it")
    if stored is not None and not isinstance(stored, dict):
        raise Damage("its fingerprint is not an object")
    space = attributes.get("space")
    if space is not None:
        json.dumps(space, allow_nan=False)
        for hp in keras_tuner.HyperParameters.from_config(space).space:
            if not isinstance(hp.name, str):
                raise Damage("the name of a hyperparameter is not text")


def check_trials(trials: Sequence[FrozenTrial], objectives: int) -> None:
    """Check the trials of a study; those without an index were added by other programs."""
    indices = set()
    for trial in trials:
        own = trial.user_attrs
        if "index" not in own:
            if "worker" in own or "beat" in own:
                raise Damage(f"trial {trial.number} has no index")
            continue
        for name, kind in (("index", int), ("beat", int), ("worker", str)):
            value = own.get(name)
            if not isinstance(value, kind) or isinstance(value, bool) or value in (-1, ""):
                raise Damage(f"trial {trial.number} has the {name} {value!r}")
        _check_values(trial, objectives)
        if "withdrawn" not in own:
            indices.add(own["index"])
    if indices != set(range(len(indices))):
        raise Damage("some of its trials are missing")


def _check_values(trial: FrozenTrial, objectives: int) -> None:
    for name in ("mark", "failed"):
        if not isinstance(trial.user_attrs.get(name, ""), str):
            raise Damage(f"trial {trial.number} has a {name} that is not text")
    values = trial.values or []
    if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
        if len(values) != objectives or not all(map(math.isfinite, values)):
            raise Damage(f"trial {trial.number} is finished and has the values {values}")
        if trial.datetime_complete is None:
            raise Damage(f"trial {trial.number} is finished and has no end time")
    for name, value in trial.params.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise Damage(f"trial {trial.number} has {name}={value}")
    for step, value in trial.intermediate_values.items():
        if step < 1 or not isinstance(value, int | float):
            raise Damage(f"trial {trial.number} has the report {value!r} of epoch {step}")
