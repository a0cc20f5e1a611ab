"""Folder of a study and URL of its database."""

import os
import re
from pathlib import Path

from fashion_zoo.errors import ConfigError, StudyError
from fashion_zoo.storage import absolute, as_storage_error, resolve

_NAMES = {"again", "best.json", "best.keras", "report.html", "report.json"}  # of a study folder


def study_place(
    name: str, folder: str | os.PathLike[str] | None, url: str | None, study_name: str | None = None
) -> tuple[Path, str]:
    """Return the folder of a study, absolute, and the URL of its storage.

    They are by default ``studies/NAME`` and a file in it. The name of the study is a part of paths
    and URLs: other characters raise ConfigError. A URL that is none raises StudyError.
    """
    if study_name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", study_name):
        raise ConfigError(
            "The name of a study has letters, digits, dots, dashes and underscores, received "
            f"{study_name!r}."
        )
    place = absolute(Path("studies") / name if folder is None else folder)
    return place, absolute_url(url) if url else file_url(resolve(place) / "study.db")


def file_url(file: Path) -> str:
    """Return the URL of a SQLite file."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(file)).render_as_string()


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite URL, None for a server or a database in memory."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        parts = make_url(url)
        kind = parts.get_backend_name()
    except (SQLAlchemyError, ValueError) as error:
        raise StudyError(f"The storage {url!r} cannot be opened: {error}.") from error
    is_file = kind == "sqlite" and parts.database not in (None, "", ":memory:")
    return Path(str(parts.database)) if is_file else None


def absolute_url(url: str) -> str:
    """Return the URL of a storage with an absolute path if it is a SQLite file's."""
    from sqlalchemy import make_url

    file = file_of(url)
    if file is None or file.is_absolute() or str(file).startswith("file:"):
        return url
    found = make_url(url).set(database=str(absolute(file)))
    return found.render_as_string(hide_password=False)


def check_folder(folder: Path, url: str) -> None:
    """Check that a folder is new, empty or a study's; raises StudyError otherwise."""
    file, names = file_of(url), {"study.db"}
    if file and file.parent.resolve() == folder.resolve():
        names.add(file.name)
    with as_storage_error(folder):
        if not folder.exists():
            return
        there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if there - _NAMES and not there & names:
        raise StudyError(f"{folder} is not empty and holds no study. Choose another place.")
