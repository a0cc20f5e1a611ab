"""What a run was trained in and from beside its settings: the file ``environment.json``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.language.wording import counted, listed
from fashion_zoo.machine import environment
from fashion_zoo.runs.run import Run
from fashion_zoo.storage import absolute

_FILE = "environment.json"


def begin(
    run: Run, described: Mapping[str, Any], fork: str | Path | None = None, epochs: int = 0
) -> None:
    """Store the environment in which the training of a run begins, in place of any other.

    A process that was killed before the first checkpoint may have left another one.

    Args:
        run: the run, without a checkpoint of its own.
        described: the environment.
        fork: the run from whose checkpoint it begins.
        epochs: the epochs of that checkpoint.
    """
    origin = {"fork": {"run": str(absolute(fork)), "epochs": epochs}} if fork is not None else {}
    if run.environments != [now := {**described, **origin}]:
        storage.write_json(run.to_write(_FILE), now)


def move(run: Run, described: Mapping[str, Any], epochs: int) -> list[str]:
    """Store the environment in which training resumes after ``epochs``, if it has changed.

    Return the changes in words.
    """
    first, moves = run.read_json(_FILE), run.environments[1:]
    before = {"callbacks": [], **(moves or [first])[-1]}  # an older version did not store them
    changed = environment.changes(before, described)
    if changed:
        moves = [*moves, {"after_epoch": epochs, **described}]
        storage.write_json(run.to_write(_FILE), {**first, "resumed": moves})
    return changed


def aside(run: Run) -> str | None:
    """Return what made a run beside its settings and its seed, in words; None if nothing did."""
    for one in run.environments:
        if fork := one.get("fork"):
            return f"began as a fork of {fork['run']} after {counted(fork['epochs'], 'epoch')}"
        if own := one.get("callbacks"):
            return f"was trained with callbacks of its own ({listed(list(dict.fromkeys(own)))})"
    return None
