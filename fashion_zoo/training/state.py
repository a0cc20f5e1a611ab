"""The state of a training after an epoch: everything that the next epoch depends on, as bytes.

Weights, the state of every seed generator, the optimizer's variables, live values (they are
weights), and what the callbacks remember. The order of the images needs nothing: it is keyed by
(seed, epoch).
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from fashion_zoo.errors import ConfigError, RunError

_FORMAT = 1
_FORMER = ("StopOnDivergence",)  # kept something once


class State(NamedTuple):
    """What ``capture`` stored."""

    epochs: int
    """Epochs that are done."""
    stopped: bool
    """Whether a callback ended the training with the last of them."""
    variables: list[np.ndarray]
    """The values of ``_variables(model)``."""
    callbacks: dict[str, dict[str, Any]]
    """Name of a callback, its class's, to its ``state()``."""
    forked: bool = False
    """Whether it is another run's, with other settings."""


def capture(
    model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], epochs: int
) -> bytes:
    """Return the state after so many epochs."""
    arrays: dict[str, Any] = {
        f"variable/{place:06}": keras.ops.convert_to_numpy(variable.value)
        for place, variable in enumerate(_variables(model))
    }
    remembered: dict[str, dict[str, Any]] = {}
    for key, callback in _stateful(callbacks).items():
        kept = remembered[key] = {}
        for name, value in callback.state().items():
            if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
                for place, array in enumerate(value):
                    arrays[f"callback/{key}/{name}/{place:06}"] = array
            else:
                kept[name] = _plain(key, name, value)
    about = {
        "format": _FORMAT,
        "epochs": epochs,
        "stopped": bool(model.stop_training),
        "callbacks": remembered,
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def parse(data: bytes) -> State:
    """Read what ``capture`` returned.

    Raises:
        RunError: a newer package wrote it.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        stored = dict(arrays)
    about = json.loads(stored.pop("about").tobytes())
    if about["format"] > _FORMAT:
        raise RunError(
            f"The state has format {about['format']}; this package knows formats up to {_FORMAT}. "
            "Update fashion_zoo."
        )
    callbacks, variables = about["callbacks"], []
    for key in sorted(stored):
        kind, *words = key.split("/")
        if kind == "variable":
            variables.append(stored[key])
        else:
            name = "/".join(words[1:-1])
            callbacks[words[0]].setdefault(name, []).append(stored[key])
    return State(about["epochs"], about["stopped"], variables, callbacks)


def put_back(model: keras.Model, state: State) -> None:
    """Give a compiled model the variables of a state, the optimizer's included.

    Raises:
        RunError: the model has other ones.
    """
    model.optimizer.build(model.trainable_variables)  # else there is nothing to assign to
    variables = _variables(model)
    ours = [tuple(variable.shape) for variable in variables]
    if ours != [array.shape for array in state.variables]:
        raise RunError(
            f"The state does not fit {model.name}: it holds {len(state.variables)} variables of "
            f"model and optimizer, where {len(ours)} of the same shapes were expected. Model and "
            "optimizer cannot change in the middle of a training."
        )
    for variable, array in zip(variables, state.variables, strict=True):
        variable.assign(array)


def remind(
    callbacks: Sequence[keras.callbacks.Callback], remembered: Mapping[str, Any]
) -> list[str]:
    """Give the callbacks what they remembered; one that is new begins anew.

    Returns:
        The names of those that remembered something and are not there.
    """
    there = _stateful(callbacks)
    for key, callback in there.items():
        if key in remembered:
            callback.restore(remembered[key])
    return [key for key in remembered if key not in there and key not in _FORMER]


def _variables(model: keras.Model) -> list[keras.Variable]:
    # variables, not weights: the seed generators' states are among them
    return [*model.variables, *model.optimizer.variables]


def _stateful(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, Any]:
    """Return the callbacks with ``state()`` and ``restore()`` by the name that they are kept under.

    It is that of their class, and for another of the same name NAME_2, NAME_3, ...
    """
    found: dict[str, Any] = {}
    for callback in callbacks:
        if hasattr(callback, "state") and hasattr(callback, "restore"):
            name = type(callback).__name__
            number = sum(type(one).__name__ == name for one in found.values()) + 1
            found[name if number == 1 else f"{name}_{number}"] = callback
    return found


def _plain(key: str, name: str, value: Any) -> Any:
    """Return a value of a callback's state as JSON has it."""
    try:
        return json.loads(json.dumps(value, default=_number))
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"The state of {key} cannot be kept: {name!r} must be what JSON holds, or a list of "
            f"arrays, received {type(value).__name__}."
        ) from error


def _number(value: Any) -> float:
    """Return numpy's scalars, and what else is one number, as Python's."""
    if getattr(value, "shape", ()) != ():
        raise TypeError
    return float(value)
