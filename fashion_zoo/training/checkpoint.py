"""A checkpoint: everything that the next epoch of a training depends on, as bytes.

Weights, the state of every seed generator, the optimizer's variables, live values (they are
weights), and the state of the callbacks. The order of the images is keyed by (seed, epoch) and
needs no state. The run that a checkpoint is of is in it, too: see ``recorder.identity``. The bytes
are a zip file of arrays, one of which is a description as JSON; nothing in it is trusted.
"""

import io
import json
import numbers
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from fashion_zoo import optimizers
from fashion_zoo.errors import ConfigError, RunError
from fashion_zoo.layers import as_array

_FORMAT = 2  # 1 did not name the run
_FORMER = ("StopOnDivergence",)  # had a state in older versions


class Checkpoint(NamedTuple):
    """The content of a checkpoint."""

    epochs: int
    """Epochs that are done."""
    stopped: bool
    """Whether a callback ended the training with the last of them."""
    variables: list[np.ndarray]
    """The values of ``_variables(model)``."""
    callbacks: dict[str, dict[str, Any]]
    """Key of a callback, see ``_stateful``, to its ``state()``."""
    forked: bool = False
    """Whether it is of another run, with other settings."""
    run: dict[str, Any] | None = None
    """The run it is of, see ``recorder.identity``; None if an older version wrote it."""


def capture(
    model: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: int,
    run: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the checkpoint of a model and its callbacks after so many epochs."""
    arrays: dict[str, Any] = {
        f"variable/{place:06}": as_array(variable)
        for place, variable in enumerate(_variables(model))
    }
    states: dict[str, dict[str, Any]] = {}
    for key, callback in _stateful(callbacks).items():
        state = states[key] = {}
        for name, value in callback.state().items():
            if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
                for place, array in enumerate(value):
                    arrays[f"callback/{key}/{name}/{place:06}"] = array
            else:
                state[name] = _plain(key, name, value)
    about = {
        "format": _FORMAT,
        "epochs": epochs,
        "stopped": bool(model.stop_training),
        "callbacks": states,
        "run": run,
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def parse(data: bytes) -> Checkpoint:
    """Read a checkpoint: RunError if a newer version wrote it, ValueError if it is damaged."""
    try:
        arrays = _arrays(data)
        about = json.loads(arrays.pop("about").tobytes())
    except Exception as error:  # zipfile, numpy and JSON have many ways to fail
        raise ValueError(f"{type(error).__name__}: {error}") from error
    check(isinstance(about, dict))
    number, epochs, callbacks, run = map(about.get, ("format", "epochs", "callbacks", "run"))
    check(type(number) is int and number >= 1)
    if number > _FORMAT:
        raise RunError(
            f"The checkpoint has format {number}; this package reads formats up to {_FORMAT}. "
            "Update fashion_zoo."
        )
    check(type(epochs) is int and epochs >= 1 and type(about.get("stopped")) is bool)
    check(isinstance(callbacks, dict) and (run is None or isinstance(run, dict)))
    check(all(isinstance(state, dict) for state in callbacks.values()))
    variables: list[np.ndarray] = []
    for key in sorted(arrays):
        kind, *words = key.split("/")
        if kind == "variable":
            check(words == [f"{len(variables):06}"])
            variables.append(arrays[key])
        else:
            check(kind == "callback" and len(words) > 2 and words[0] in callbacks)
            name = "/".join(words[1:-1])
            kept = callbacks[words[0]].setdefault(name, [])
            check(isinstance(kept, list) and words[-1] == f"{len(kept):06}")
            kept.append(arrays[key])
    return Checkpoint(epochs, about["stopped"], variables, callbacks, run=run)


def restore_variables(model: keras.Model, checkpoint: Checkpoint) -> None:
    """Assign the variables of a checkpoint to a compiled model and its optimizer.

    A model or an optimizer with other variables raises RunError.
    """
    optimizers.ensure_built(model.optimizer, model.trainable_variables)
    variables = _variables(model)
    expected = [(tuple(variable.shape), _kind(variable.dtype)) for variable in variables]
    if expected != [(array.shape, _kind(array.dtype.name)) for array in checkpoint.variables]:
        raise RunError(
            f"The checkpoint does not fit {model.name}: it has {len(checkpoint.variables)} "
            f"variables of model and optimizer, expected {len(expected)} of the same shapes. Model "
            "and optimizer cannot change in the middle of a training."
        )
    for variable, array in zip(variables, checkpoint.variables, strict=True):
        # numpy reads a stored bfloat16 as two bytes without a type.
        variable.assign(array.view(variable.dtype) if array.dtype.kind == "V" else array)


def _kind(dtype: str) -> str:
    """Return the kind of a dtype; the number of bits may differ between backends."""
    kind = "float" if dtype == "void16" else dtype.strip("0123456789")
    return {"uint": "int", "bfloat": "float"}.get(kind, kind)


def restore_callbacks(
    callbacks: Sequence[keras.callbacks.Callback],
    states: Mapping[str, Any],
    required: Collection[keras.callbacks.Callback] = (),
) -> list[str]:
    """Restore the states of callbacks, and return the keys of those that are missing now.

    A ``required`` callback without a state, or one that refuses its state, raises RunError.
    """
    found = _stateful(callbacks)
    for key, callback in found.items():
        if key not in states and callback in required:
            raise RunError(
                f"The checkpoint has no state of {key}, without which the training would differ."
            )
        if key not in states:
            continue
        try:
            if type(callback).__module__.startswith("fashion_zoo."):
                _check_like(callback.state(), states[key])
            callback.restore(states[key])
        except Exception as error:  # a caller's callback may raise anything
            raise RunError(
                f"The state of {key} in the checkpoint cannot be restored: "
                f"{type(error).__name__}: {error}."
            ) from error
    return [key for key in states if key not in found and key not in _FORMER]


def _variables(model: keras.Model) -> list[keras.Variable]:
    # variables, not weights: they include the state of the seed generators
    kept = [one for one in model.optimizer.variables if not optimizers.is_measured(one)]
    return [*model.variables, *kept]


def _stateful(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, Any]:
    """Return the callbacks with ``state()`` and ``restore()`` by their key.

    It is the name of their class, and for others of the same name NAME_2, NAME_3, ...
    """
    found: dict[str, Any] = {}
    for callback in callbacks:
        if hasattr(callback, "state") and hasattr(callback, "restore"):
            name = type(callback).__name__
            number = sum(type(one).__name__ == name for one in found.values()) + 1
            found[name if number == 1 else f"{name}_{number}"] = callback
    return found


def _plain(key: str, name: str, value: Any) -> Any:
    """Return a value of a callback's state as plain JSON."""
    try:
        return json.loads(json.dumps(value, default=_number))
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"The state of {key} cannot be stored: {name!r} must be JSON or a list of arrays, "
            f"received {type(value).__name__}."
        ) from error


def _number(value: Any) -> float:
    """Return a scalar of numpy's or of a backend's as Python's."""
    if getattr(value, "shape", ()) != ():
        raise TypeError
    return float(value)


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays by name; a small file cannot fill the memory, and nothing is unpickled."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.infolist():
            name = part.filename.removesuffix(".npy")
            check(part.compress_type == zipfile.ZIP_STORED and part.file_size <= len(data))
            check(name not in found)
            found[name] = np.lib.format.read_array(io.BytesIO(archive.read(part)))
    return found


def check(valid: bool) -> None:
    """Raise a ValueError if a part of a checkpoint is not valid."""
    if not valid:
        raise ValueError("it is not a checkpoint")


def _check_like(fresh: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Check that a stored state has the names and the types of a fresh one.

    None in a fresh state stands for a number or a list of arrays that is not known yet.
    """
    check(fresh.keys() == stored.keys())
    for name, value in stored.items():
        initial = fresh[name]
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if initial is None:
            arrays = isinstance(value, list) and all(isinstance(one, np.ndarray) for one in value)
            check(value is None or number or arrays)
        elif isinstance(initial, numbers.Real):
            check(number and (isinstance(value, int) or not isinstance(initial, int)))
        else:
            check(isinstance(value, type(initial)))
