"""Storage of a study: its folder, its database, and the dashboard."""

import contextlib
import functools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, OptunaError, UpdateFinishedTrialError
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from fashion_zoo import storage
from fashion_zoo.errors import ConfigError, StudyError
from fashion_zoo.storage.databases import file_of
from fashion_zoo.tuning.checking import check_file, reading
from fashion_zoo.tuning.workers import Connection


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
    whole = make_url(url).render_as_string(hide_password=False)
    for tries_left in reversed(range(20)):
        try:
            return optuna.storages.get_storage(optuna.storages.RDBStorage(whole, waits))
        except (IntegrityError, ProgrammingError):
            if not tries_left:
                raise
        time.sleep(0.2)  # another worker of a server creates the same tables


def serve(url: str, port: int) -> None:
    """Serve the dashboard on this machine until Ctrl-C.

    Raises:
        ConfigError: if optuna-dashboard is not installed, or the port is taken.
        StudyError: if there is no study, or its storage cannot be opened.
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

    def find(self, name: str) -> int | None:
        """Return the id of a study by its name; None if there is none."""
        with reading(self.place):
            try:
                return self.backend.get_study_id_from_name(name)
            except KeyError:
                return None

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self.backend.remove_session()
        self.backend._backend.engine.dispose()  # behind Optuna's cache, which has no public way

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.backend, name)
        if not callable(found):
            return found
        expected: list[type[Exception]] = [UpdateFinishedTrialError, DuplicatedStudyError]
        if not name.startswith("get_"):  # a deleted trial; in a read, a damaged one
            expected.append(KeyError)

        @functools.wraps(found)
        def checked(*arguments: Any, **keywords: Any) -> Any:
            with reading(self.place, *expected):
                return found(*arguments, **keywords)

        return checked
