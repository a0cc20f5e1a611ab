"""What a training starts from: the state of its own run after a kill, or another run's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fashion_zoo.training.state as states
from fashion_zoo import runs
from fashion_zoo.data import Dataset
from fashion_zoo.errors import Hint, RunError
from fashion_zoo.language.wording import counted
from fashion_zoo.runs import Run
from fashion_zoo.show import streams
from fashion_zoo.training.recorder import Recorder
from fashion_zoo.training.state_file import check

_KEPT = Recorder.__name__


def belonging(run: Run, dataset: Dataset) -> dict[str, Any]:
    """Return what ties a state to its run: recipe, settings, seed included, and data."""
    return {**_named(run), "data": dataset.digest}


def _named(run: Run) -> dict[str, Any]:
    stored = runs.as_stored(run.config)
    stored["data"].pop("folder")  # the same files may have been moved, and have a digest
    return {"recipe": run.recipe, "config": stored}


def load(run: Run, expected: Mapping[str, Any]) -> states.State | None:
    """Return the newest state of a run that is whole, None before the first.

    Args:
        run: the run.
        expected: ``belonging``, or a part of it.

    Raises:
        RunError: it is another run's, a newer package wrote it, or none is whole.
    """

    def read(data: bytes, number: int) -> states.State:
        state = states.parse(data)
        check(state.epochs == number <= run.config.training.epochs)
        Recorder.check_kept(state.callbacks.get(_KEPT), state.epochs)
        if state.run is None:
            streams.say(
                f"{run.state_file(number)} does not say whose state it is, as an older version "
                "wrote it. It is taken for this run's."
            )
        else:
            _check_belongs(run, number, state.run, expected)
        return state

    return run.load_state(read)


def _check_belongs(
    run: Run, number: int, found: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    config: Any = found.get("config")
    check(isinstance(config, dict) and {"model", "data", "training", "seed"} <= config.keys())
    changed = [
        f"{name}: {found.get(name)!r}, now {expected[name]!r}"
        for name in ("recipe", "data")
        if name in expected and found.get(name) != expected[name]
    ]
    data = config.get("data")
    if isinstance(data, dict):
        config = {**config, "data": {key: one for key, one in data.items() if key != "folder"}}
    changed += runs.contradictions(run.config, config)
    if changed:
        raise RunError(
            f"{run.state_file(number)} is the state of another run: {'; '.join(changed)}. Remove "
            "it to go on with the state before it, or from the beginning if it is the only one."
        )


def fork(path: str | Path, epochs: int) -> states.State:
    """Return the state of another run, for a new one of so many epochs to start from.

    Raises:
        RunError: it has none, as ``load``, or nothing would be left to train.
    """
    origin = runs.open_run(path)
    state = load(origin, _named(origin))
    if state is None:
        raise RunError(f"{path} has no state to fork from: no epoch of it has ended.")
    if state.epochs >= epochs:
        raise RunError(
            f"{path} has {counted(state.epochs, 'epoch')} behind it, so a fork of {epochs} has "
            "nothing to train. Set ",
            Hint("training.epochs"),
            f" above {state.epochs}.",
        )
    # A fork keeps weights, optimizer and history; what the callbacks counted was another training.
    return state._replace(stopped=False, callbacks={_KEPT: state.callbacks[_KEPT]}, forked=True)
