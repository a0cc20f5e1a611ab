"""The bytes of a state: arrays by name, and a description as JSON; nothing in them is trusted."""

import io
import json
import math
import numbers
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np


def read(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the description, and the arrays by name.

    What an array claims to be must be what the file holds of it, so that a small file cannot fill
    the memory. Objects, which would be unpickled, are refused.

    Raises:
        ValueError: they are something else.
    """
    try:
        arrays = _arrays(data)
        about = json.loads(arrays.pop("about").tobytes())
    except Exception as error:  # zipfile, numpy and JSON have many ways to fail
        raise ValueError(f"{type(error).__name__}: {error}") from error
    check(isinstance(about, dict))
    return about, arrays


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.infolist():
            name = part.filename.removesuffix(".npy")
            check(part.compress_type == zipfile.ZIP_STORED and part.file_size <= len(data))
            check(name not in found)
            found[name] = _array(archive.read(part))
    return found


def _array(data: bytes) -> np.ndarray:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    known = {(1, 0): "read_array_header_1_0", (2, 0): "read_array_header_2_0"}
    shape, by_column, dtype = getattr(np.lib.format, known[version])(stream)
    left = data[stream.tell() :]
    check(not dtype.hasobject and math.prod(shape) * dtype.itemsize == len(left))
    flat = np.frombuffer(left, dtype).copy()  # what is read from bytes could not be changed
    return flat.reshape(shape, order="F" if by_column else "C")


def check(fine: bool) -> None:
    """Check that a state is made as one is.

    Raises:
        ValueError: it is not.
    """
    if not fine:
        raise ValueError("it is not made as a state is")


def check_like(fresh: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Check that what a callback of this package takes back is of the kinds that it keeps.

    Args:
        fresh: its state as it begins; None stands for what it does not know yet.
        stored: what it is to take back.

    Raises:
        ValueError: a name is missing or unknown, or a value is of another kind.
    """
    check(fresh.keys() == stored.keys())
    for name, value in stored.items():
        begins = fresh[name]
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if begins is None:
            arrays = isinstance(value, list) and all(isinstance(one, np.ndarray) for one in value)
            check(value is None or number or arrays)
        elif isinstance(begins, int):
            check(number and isinstance(value, int))
        elif isinstance(begins, numbers.Real):
            check(number)
        else:
            check(isinstance(value, type(begins)))
