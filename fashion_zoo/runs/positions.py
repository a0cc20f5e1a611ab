"""``positions.npz`` of a run: which image of its source trains, validates and tests."""

import io
import zipfile
from pathlib import Path

import numpy as np

from fashion_zoo import storage
from fashion_zoo.data import Positions
from fashion_zoo.errors import RunError
from fashion_zoo.storage import reading

POSITIONS = "positions.npz"
_LARGEST = 2**31  # bytes


def write_positions(file: Path, positions: Positions) -> None:
    """Write positions atomically, as compressed int32 arrays."""
    data = io.BytesIO()
    train, validation, test = (part.astype(np.int32) for part in positions)
    np.savez_compressed(data, train=train, validation=validation, test=test)
    storage.write_bytes(file, data.getvalue())


def read_positions(file: Path) -> Positions:
    """Return the positions in a file.

    Raises:
        RunError: if it is missing or damaged.
    """
    try:
        with reading.open_regular(file, _LARGEST) as opened, np.load(opened) as found:
            parts = Positions(*(found[name] for name in Positions._fields))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"{file} cannot be read: {error}.") from error
    if any(part.ndim != 1 or part.dtype != np.int32 for part in parts):
        raise RunError(f"{file} is damaged: expected three lists of positions.")
    return parts
