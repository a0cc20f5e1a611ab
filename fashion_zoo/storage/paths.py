"""Paths as they enter: a program may change its current folder later, as a notebook's %cd does."""

import os
from pathlib import Path

from fashion_zoo.errors import ConfigError, StorageError


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return a path as seen from the root, its links as they are.

    Raises:
        StorageError: it begins at the current folder, and that is gone.
        ConfigError: it has characters that no file system takes.
    """
    try:
        plain, found = os.path.abspath(path), os.path.realpath(path)
    except OSError as error:
        raise StorageError(
            f"Cannot find {path}: the current folder is gone. Change to another one first."
        ) from error
    except ValueError as error:  # a null, or half of a surrogate pair
        raise ConfigError(f"{str(path)!r} cannot be a path: {error}.") from error
    # Behind a link, "link/.." is not where it seems to be.
    return Path(plain if os.path.realpath(plain) == found else found)
