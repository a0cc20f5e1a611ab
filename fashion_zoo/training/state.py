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

from fashion_zoo.errors import RunError

_FORMAT = 1


class State(NamedTuple):
    """What ``capture`` stored."""

    epochs: int
    """Epochs that are done."""
    stopped: bool
    """Whether a callback ended the training with the last of them."""
    variables: list[np.ndarray]
    """The values of ``_variables(model)``."""
    callbacks: dict[str, dict[str, Any]]
    """Class name of a callback to its ``state()``."""
    forked: bool = False
    """Whether it is another run's, with other settings."""


def capture(
    model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], epochs: int
) -> bytes:
    """Return the state after so many epochs."""
    arrays = {
        f"variable/{place:06}": keras.ops.convert_to_numpy(variable.value)
        for place, variable in enumerate(_variables(model))
    }
    remembered: dict[str, dict[str, Any]] = {}
    for callback in _stateful(callbacks):
        kept = remembered[type(callback).__name__] = {}
        for name, value in callback.state().items():
            if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
                for place, array in enumerate(value):
                    arrays[f"callback/{type(callback).__name__}/{name}/{place:06}"] = array
            else:
                kept[name] = value
    about = {
        "format": _FORMAT,
        "epochs": epochs,
        "stopped": bool(model.stop_training),
        "callbacks": remembered,
    }
    text = json.dumps(about, default=float)  # numpy's scalars
    arrays["about"] = np.frombuffer(text.encode(), dtype=np.uint8)
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
            callbacks[words[0]].setdefault(words[1], []).append(stored[key])
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


def remind(callbacks: Sequence[keras.callbacks.Callback], remembered: Mapping[str, Any]) -> None:
    """Give the callbacks what they remembered; one that is new begins anew."""
    for callback in _stateful(callbacks):
        if type(callback).__name__ in remembered:
            callback.restore(remembered[type(callback).__name__])


def _variables(model: keras.Model) -> list[keras.Variable]:
    # variables, not weights: the seed generators' states are among them
    return [*model.variables, *model.optimizer.variables]


def _stateful(callbacks: Sequence[keras.callbacks.Callback]) -> list[Any]:
    return [callback for callback in callbacks if hasattr(callback, "restore")]
