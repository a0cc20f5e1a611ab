"""Trainings in turns: each in a process of its own, an epoch at a time, one after the other.

On a machine whose speed wanders, only what ran a moment apart can be compared.
"""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fashion_zoo.errors import TrainingError
from fashion_zoo.show.waiting import waiting
from recipes.benchmark.program import child, last_line


class Entry(NamedTuple):
    """A training that takes part."""

    contender: str
    """fashion_zoo, keras or torch."""
    changes: Mapping[str, Any]
    """Overrides of ``bn_mlp``'s config."""
    without: str = ""
    """Empty for the training as it is. Its shares have neither validation nor the other callbacks:
    there it is the part that is left out, ``metric``, ``iterator`` or ``nothing``."""


class Epoch(NamedTuple):
    """An epoch of a training."""

    seconds: float
    """Of training; validation is not in them."""
    loss: float
    """Mean training loss, of the contender's own account."""
    megabytes: float
    """Most memory that its process had so far."""


def take_turns(entries: Mapping[str, Entry], rounds: int) -> dict[str, list[Epoch]]:
    """Train every entry for ``rounds`` epochs after one that warms up.

    Args:
        entries: name to training.
        rounds: in each, every entry trains an epoch; another one goes first each time.

    Returns:
        Name to its epochs, one a round.

    Raises:
        TrainingError: one of them ended early; the message has its last line.
    """
    names = list(entries)
    done: dict[str, list[Epoch]] = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        running = {}
        for name in names:  # one after the other: each warms up alone
            running[name] = stack.enter_context(_started(entries[name], rounds + 1))
            with waiting(f"{name}, to warm up"):
                _epoch(name, *running[name])
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                process, _ = running[name]
                with contextlib.suppress(BrokenPipeError):  # why, _epoch says
                    print(file=process.stdin, flush=True)
                with waiting(f"{name}, epoch {number + 1} of {rounds}"):
                    done[name].append(_epoch(name, *running[name]))
    return done


@contextlib.contextmanager
def _started(entry: Entry, epochs: int) -> Iterator[tuple[subprocess.Popen, Any]]:
    changes = {**entry.changes, "training": {**entry.changes.get("training", {}), "epochs": epochs}}
    settings = {**entry._asdict(), "changes": changes}
    with tempfile.TemporaryFile("w+") as said:
        command, surroundings = child("recipes.benchmark.contender", settings)
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=surroundings,
        )
        try:
            yield process, said
        finally:
            process.kill()
            process.communicate()


def _epoch(name: str, process: subprocess.Popen, said: Any) -> Epoch:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
        said.seek(0)
        raise TrainingError(f"The training of {name} ended early: {last_line(said.read())}")
    return Epoch(**json.loads(line))
