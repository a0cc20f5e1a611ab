"""A checkpoint: everything that the next epoch of a training depends on, as bytes.

Weights, the state of every seed generator, the optimizer's variables, live values (they are
weights), and what the callbacks remember. The order of the images needs nothing: it is keyed by
(seed, epoch). It also says whose it is: see ``recorder.belonging``. The bytes are arrays by name,
and a description as JSON; nothing in them is trusted when they are read.
"""

import io
import json
import math
import numbers
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from fashion_zoo.errors import ConfigError, RunError
from fashion_zoo.layers import as_array

_FORMAT = 2  # 1 did not say whose state it is
_FORMER = ("StopOnDivergence",)  # kept something once


class Checkpoint(NamedTuple):
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
    run: dict[str, Any] | None = None
    """Whose it is, as ``recorder.belonging`` says; None where an older package wrote it."""


def capture(
    model: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: int,
    run: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the state after so many epochs.

    Args:
        model: what is trained.
        callbacks: those whose memory is kept.
        epochs: epochs that are done.
        run: whose state it is.
    """
    arrays: dict[str, Any] = {
        f"variable/{place:06}": as_array(variable)
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
        "run": run,
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def parse(data: bytes) -> Checkpoint:
    """Read what ``capture`` returned.

    Raises:
        RunError: a newer package wrote it.
        ValueError: ``capture`` did not return it.
    """
    about, arrays = _read(data)
    number = about.get("format")
    if type(number) is int and number > _FORMAT:
        raise RunError(
            f"The state has format {number}; this package knows formats up to {_FORMAT}. "
            "Update fashion_zoo."
        )
    check(
        type(number) is int
        and number >= 1
        and type(about.get("epochs")) is int
        and about["epochs"] >= 1
        and type(about.get("stopped")) is bool
    )
    callbacks: Any = about.get("callbacks")
    run = about.get("run")
    check(isinstance(callbacks, dict))
    check(all(isinstance(kept, dict) for kept in callbacks.values()))
    check(isinstance(run, dict) or (run is None))
    variables: list[np.ndarray] = []
    for key in sorted(arrays):
        kind, *words = key.split("/")
        if kind == "variable":
            check(words == [f"{len(variables):06}"])
            variables.append(arrays[key])
        else:
            name = "/".join(words[1:-1])
            check(kind == "callback" and words[0] in callbacks and bool(name))
            kept = callbacks[words[0]].setdefault(name, [])
            check(isinstance(kept, list) and words[-1] == f"{len(kept):06}")
            kept.append(arrays[key])
    return Checkpoint(about["epochs"], about["stopped"], variables, callbacks, run=run)


def put_back(model: keras.Model, state: Checkpoint) -> None:
    """Give a compiled model the variables of a state, the optimizer's included.

    Raises:
        RunError: the model has other ones.
    """
    model.optimizer.build(model.trainable_variables)  # else there is nothing to assign to
    variables = _variables(model)
    ours = [(tuple(variable.shape), _kind(variable.dtype)) for variable in variables]
    if ours != [(array.shape, _kind(array.dtype.name)) for array in state.variables]:
        raise RunError(
            f"The state does not fit {model.name}: it holds {len(state.variables)} variables of "
            f"model and optimizer, where {len(ours)} of the same shapes were expected. Model and "
            "optimizer cannot change in the middle of a training."
        )
    for variable, array in zip(variables, state.variables, strict=True):
        variable.assign(array)


def _kind(dtype: str) -> str:
    """Return what numbers are; how many bits each has may differ between backends."""
    # Without its name, a bfloat16 is two bytes to numpy.
    kind = "float" if dtype == "void16" else dtype.strip("0123456789")
    return {"uint": "int", "bfloat": "float"}.get(kind, kind)


def remind(
    callbacks: Sequence[keras.callbacks.Callback],
    remembered: Mapping[str, Any],
    required: Collection[keras.callbacks.Callback] = (),
) -> list[str]:
    """Give the callbacks what they remembered; one that is new begins anew.

    Args:
        callbacks: those of the training.
        remembered: what the state has of each.
        required: those of them that cannot begin anew.

    Returns:
        The names of those that remembered something and are not there.

    Raises:
        RunError: what is remembered is not what they keep.
    """
    there = _stateful(callbacks)
    for key, callback in there.items():
        if key not in remembered and callback in required:
            raise RunError(f"The state has nothing of {key}, without which it is another training.")
        if key not in remembered:
            continue
        try:
            if type(callback).__module__.startswith("fashion_zoo."):
                _check_like(callback.state(), remembered[key])
            callback.restore(remembered[key])
        except Exception as error:  # whatever a callback of the caller's makes of it
            raise RunError(
                f"What the state has of {key} cannot be given back to it: "
                f"{type(error).__name__}: {error}."
            ) from error
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


def _read(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the description, and the arrays by name.

    What an array claims to be must be what the file holds of it, so that a small file cannot fill
    the memory. Objects, which would be unpickled, are refused.

    Raises:
        ValueError: they are something else.
    """
    try:
        arrays = _arrays(data)
        about = json.loads(arrays.pop("about").tobytes())
    except Exception as error:  # zipfile, numpy and JSON have many ways to fail
        raise ValueError(f"{type(error).__name__}: {error}") from error
    check(isinstance(about, dict))
    return about, arrays


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.infolist():
            name = part.filename.removesuffix(".npy")
            check(part.compress_type == zipfile.ZIP_STORED and part.file_size <= len(data))
            check(name not in found)
            found[name] = _array(archive.read(part))
    return found


def _array(data: bytes) -> np.ndarray:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    known = {(1, 0): "read_array_header_1_0", (2, 0): "read_array_header_2_0"}
    shape, by_column, dtype = getattr(np.lib.format, known[version])(stream)
    left = data[stream.tell() :]
    check(not dtype.hasobject and math.prod(shape) * dtype.itemsize == len(left))
    flat = np.frombuffer(left, dtype).copy()  # what is read from bytes could not be changed
    return flat.reshape(shape, order="F" if by_column else "C")


def check(fine: bool) -> None:
    """Check that a state is made as one is.

    Raises:
        ValueError: it is not.
    """
    if not fine:
        raise ValueError("it is not made as a state is")


def _check_like(fresh: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Check that what a callback of this package takes back is of the kinds that it keeps.

    Args:
        fresh: its state as it begins; None stands for what it does not know yet.
        stored: what it is to take back.

    Raises:
        ValueError: a name is missing or unknown, or a value is of another kind.
    """
    check(fresh.keys() == stored.keys())
    for name, value in stored.items():
        begins = fresh[name]
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if begins is None:
            arrays = isinstance(value, list) and all(isinstance(one, np.ndarray) for one in value)
            check(value is None or number or arrays)
        elif isinstance(begins, int):
            check(number and isinstance(value, int))
        elif isinstance(begins, numbers.Real):
            check(number)
        else:
            check(isinstance(value, type(begins)))
