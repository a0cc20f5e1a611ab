"""Where a study is kept: its folder, and the connection to its storage."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import OptunaError
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from fashion_zoo import storage
from fashion_zoo.errors import StudyError
from fashion_zoo.searches import file_of

_PATIENCE = 300  # seconds for another worker to end its write into a SQLite file


@contextlib.contextmanager
def study_folder(folder: Path) -> Iterator[None]:
    """Make the folder of a study; where the block fails with nothing in it, it goes again.

    Raises:
        StorageError: it cannot be made.
    """
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
