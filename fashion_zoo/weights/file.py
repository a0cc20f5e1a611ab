"""The weight file: one safetensors file, whose reading executes nothing.

A key is the path of a variable, such as ``dense_1/kernel``. The metadata say what the weights are
of, so that two files cannot be swapped, whatever a manifest says.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from fashion_zoo.errors import WeightsError
from fashion_zoo.storage import reading
from fashion_zoo.weights.manifest import FILE, Published, broken, damaged

FORMAT = 1
_KEY = "fashion_zoo"  # the only one: the order of several is another one each time


ABOUT = ("recipe", "weights", "config")
"""The fields of a row that its file repeats."""


def encode(arrays: Mapping[str, np.ndarray], about: Mapping[str, str]) -> bytes:
    """Return the bytes of a weight file.

    Args:
        arrays: path of each variable to its value, all of one dtype.
        about: the fields ``ABOUT`` of the row.
    """
    metadata = {_KEY: json.dumps({"format": FORMAT, **about}, sort_keys=True)}
    whole = {name: np.array(value, order="C") for name, value in sorted(arrays.items())}
    return safetensors.numpy.save(whole, metadata)


def about(row: Published) -> dict[str, str]:
    """Return what the metadata of a file say of its weights."""
    return {name: getattr(row, name) for name in ABOUT}


def read_file(row: Published, folder: Path) -> dict[str, np.ndarray]:
    """Return path of each variable to its value, float32, of the file of a row.

    Raises:
        WeightsError: if the file is missing, or not the one of the row: of another size or digest,
            format, recipe, config or dtype, or with a number that is not finite.
    """
    file = folder / row.file
    data = _read(file, row)
    if len(data) != row.size:
        raise damaged(file, f"it must have {row.size:,} bytes, and has {len(data):,} or more")
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise damaged(file, "its SHA-256 is not that of the manifest")
    arrays, known = _decoded(file, data)
    number: Any = known.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise WeightsError(
            f"{file} has format {number}; this package reads formats up to {FORMAT}. "
            "Update fashion_zoo."
        )
    if known != {"format": FORMAT, **about(row)}:
        raise damaged(file, f"it is not of {row.recipe} with the settings of the manifest")
    for name, value in arrays.items():
        if str(value.dtype) != row.dtype:
            raise damaged(file, f"{name} is {value.dtype}, and must be {row.dtype}")
        if not np.isfinite(value).all():
            raise damaged(file, f"{name} has numbers that are not finite")
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def _read(file: Path, row: Published) -> bytes:
    try:
        with reading.open_regular(file) as stream:
            return stream.read(max(row.size, 0) + 1)
    except FileNotFoundError as error:
        raise broken(f"{file} is missing, and {FILE} beside it names it") from error
    except OSError as error:
        raise broken(f"{file} cannot be read: {error.strerror or error}") from error


def _decoded(file: Path, data: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a file, and what it says of itself."""
    try:
        arrays = safetensors.numpy.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        known = json.loads(header["__metadata__"][_KEY])
    except Exception as error:  # the library has its own, and those of a dtype that numpy lacks
        raise damaged(file, f"it is no weight file: {error!r}") from error
    return arrays, known if isinstance(known, dict) else {}
