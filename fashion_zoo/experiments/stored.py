"""Answers of measurements, kept in files."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.config import digest
from fashion_zoo.errors import DataError
from fashion_zoo.machine import environment
from fashion_zoo.storage import reading


def keep(file: Path, settings: Mapping[str, Any], measure: Callable[[], Any]) -> Any:
    """Return the answer of ``measure``, stored in a JSON file with its settings.

    Settings are values of JSON and config dataclasses, whose new fields have their defaults in an
    older file. It is not called if the file has an answer for the same settings in an environment
    without ``environment.changes``.
    """
    now, plain = environment.describe(), digest.plain(settings)
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):  # measured again
        kept = reading.read_json(file)
        before = kept["settings"].pop("environment")
        known = {
            name: _completed(settings.get(name), one) for name, one in kept["settings"].items()
        }
        if known == plain and not environment.changes(before, now):
            return kept["answer"]
    answer = measure()
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        storage.write_json(file, {"settings": {**plain, "environment": now}, "answer": answer})
    except (TypeError, ValueError) as error:
        raise DataError(f"The answer of {file.stem} cannot be stored: {error}.") from error
    return answer


def _completed(value: Any, stored: Any) -> Any:
    return digest.completed(value, stored) if dataclasses.is_dataclass(value) else stored
