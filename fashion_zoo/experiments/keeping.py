"""A measurement that leaves no run folder, made once and kept."""

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.machine import environment
from fashion_zoo.storage import reading


def keep(
    file: Path, settings: Mapping[str, Any], measure: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Return what was measured, now or when it was measured before.

    Args:
        file: where settings and answer are kept.
        settings: what is measured; what was kept under others or another commit is not taken.
        measure: measures it with these settings and the commit; its answer can be written as JSON.
    """
    settings = json.loads(json.dumps({**settings, "commit": environment.describe()["commit"]}))
    with contextlib.suppress(ValueError, KeyError, TypeError):  # else it is measured again
        kept = reading.read_json(file)
        if kept["settings"] == settings:
            return kept["answer"]
    answer = measure(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    storage.write_json(file, {"settings": settings, "answer": answer})
    return answer
