"""A measurement that is made once and kept; those in a process of their own."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.errors import TrainingError
from fashion_zoo.machine import environment
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.storage import reading
from recipes.benchmark import child


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


def measure_once(module: str, settings: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Return what ``python -m MODULE SETTINGS`` printed, or what it printed when it ran before.

    Args:
        module: the program; it takes JSON and prints JSON.
        settings: what it takes.
        file: where settings and answer are kept, as ``keep`` does.

    Raises:
        TrainingError: it ended early; the message has its last line.
    """
    return keep(file, settings, lambda whole: _measure(module, whole, file.stem))


def _measure(module: str, settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    command, surroundings = child.program(module, settings)
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings, check=False)
    if done.returncode:
        why = child.last_line(done.stderr)
        raise TrainingError(f"The measurement of {name} ended early: {why}")
    answer = json.loads(done.stdout.splitlines()[-1])
    TrainingDisplay().say(f"{name}: {json.dumps(answer)}")
    return answer
