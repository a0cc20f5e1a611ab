"""A measurement in a process of its own, run once."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import environment, storage
from fashion_zoo.errors import TrainingError
from fashion_zoo.show.progress import TrainingDisplay


def measure_once(module: str, settings: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Return what ``python -m MODULE SETTINGS`` printed, or what it printed when it ran before.

    Args:
        module: the program; it takes JSON and prints JSON.
        settings: what it takes; what was kept under other settings or another commit is not taken.
        file: where settings and answer are kept.

    Raises:
        TrainingError: it ended early; the message has its last line.
    """
    settings = {**settings, "commit": environment.describe()["commit"]}
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["settings"] == json.loads(json.dumps(settings)):
            return kept["answer"]
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(settings)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise TrainingError(f"The measurement of {file.stem} ended early: {lines[-1]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    file.parent.mkdir(parents=True, exist_ok=True)
    storage.write_json(file, {"settings": settings, "answer": answer})
    TrainingDisplay().say(f"{file.stem}: {json.dumps(answer)}")
    return answer
