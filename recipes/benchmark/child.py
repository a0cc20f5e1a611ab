"""A program of ours in a process of its own."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any


def program(module: str, settings: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the command ``python -m MODULE SETTINGS`` and an environment that imports as here."""
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", module, json.dumps(settings)]
    return command, {**os.environ, "PYTHONPATH": paths}


def last_line(said: str) -> str:
    """Return the last line that a program said before it ended, which is why."""
    return (said.strip().splitlines() or ["it said nothing"])[-1]
