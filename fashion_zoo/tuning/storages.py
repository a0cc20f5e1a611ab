"""Where a study is kept: its folder, the URL of its storage, and the connection."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import OptunaError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from fashion_zoo import storage
from fashion_zoo.errors import StudyError

_PATIENCE = 300  # seconds for another worker to end its write into a SQLite file
_NAMES = {"again", "best.json", "best.keras", "report.html", "report.json"}  # of a study folder


def file_url(file: Path) -> str:
    """Return the URL of a SQLite file, whose path may have any characters."""
    return URL.create("sqlite", database=str(file)).render_as_string()


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite URL; None for a server, and for a database in memory.

    Raises:
        SQLAlchemyError: it is no URL.
    """
    parts = make_url(url)
    is_file = parts.get_backend_name() == "sqlite" and parts.database not in (None, "", ":memory:")
    return Path(str(parts.database)) if is_file else None


@contextlib.contextmanager
def study_folder(folder: Path, url: str) -> Iterator[None]:
    """Make the folder of a study; where the block fails with nothing in it, it goes again.

    Args:
        folder: the folder.
        url: of the storage, which may be a file in it.

    Raises:
        StudyError: something else is in it.
        StorageError: it cannot be made.
    """
    with opening(url):
        file = file_of(url)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    with storage.as_storage_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    ours = {"study.db", file.name} if file and file.parent.resolve() == folder.resolve() else set()
    if there - _NAMES and not there & (ours | {"study.db"}):
        raise StudyError(f"{folder} is not empty and holds no study. Choose another place.")
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # one is not empty
            for path in made:
                path.rmdir()
        raise


@contextlib.contextmanager
def opening(url: str) -> Iterator[None]:
    """Turn what can go wrong with a storage into an error of ours.

    Raises:
        StudyError: the storage cannot be opened.
    """
    try:
        yield
    except (OSError, ImportError, ValueError, SQLAlchemyError, OptunaError) as error:
        raise StudyError(
            f"The storage {_shown(url)!r} cannot be opened: {str(error).rstrip('.')}."
        ) from error


def _shown(url: str) -> str:
    """Return a URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError):
        return url


def connect(url: str) -> Any:
    """Open the storage; its tables are made by whoever comes first."""
    # A worker may be stopped in the middle of a write; the others wait for it.
    waits = {"connect_args": {"timeout": _PATIENCE}} if file_of(url) else {}
    # Optuna takes braces for places to fill; in a URL of SQLAlchemy's they are escaped.
    whole = make_url(url).render_as_string(hide_password=False)
    for tries_left in reversed(range(20)):
        try:
            return optuna.storages.get_storage(optuna.storages.RDBStorage(whole, waits))
        except (IntegrityError, ProgrammingError):
            if not tries_left:
                raise
        time.sleep(0.2)  # another worker of a server makes the same tables
