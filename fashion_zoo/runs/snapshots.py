"""The snapshots of a run: models of its training at the ends of cycles of the learning rate."""

import dataclasses
import re

from fashion_zoo.errors import Hint, RunError
from fashion_zoo.runs.run import Run

FOLDER = "snapshots"
_NAME = re.compile(r"epoch-\d{6,12}\.keras")


def snapshot(run: Run, epoch: int) -> Run:
    """Return a run whose model is its snapshot of an epoch, counted from 1."""
    return dataclasses.replace(run, model_name=f"{FOLDER}/epoch-{epoch:06}.keras")


def snapshots_of(run: Run) -> list[Run]:
    """Return the run once for each of its snapshots, the oldest first, as the run of that model.

    Raises:
        RunError: if there is none.
    """
    names = sorted(
        file.name for file in (run.path / FOLDER).glob("*") if _NAME.fullmatch(file.name)
    )
    if not names:
        raise RunError(
            f"Run {run.path} has no snapshots. Train one with ",
            Hint("training.snapshots", 5),
            " and ",
            Hint("training.schedules.learning_rate", "restarts(5, 1)"),
            ".",
        )
    return [dataclasses.replace(run, model_name=f"{FOLDER}/{name}") for name in names]
