"""The JSON files of a run, which may have been edited: its config, and the results kept with it.

A ``Result`` is made from a trained model. Its class is defined where it is made, and registered
here, so that a run can read and remove it without an import of what makes it.
"""

import collections.abc
import contextlib
import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, ClassVar

from fashion_zoo import storage
from fashion_zoo.config import RunConfig, digest, renames
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Description
from fashion_zoo.errors import ConfigError, Hint, RunError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.language.vocabulary import Vocabulary
from fashion_zoo.registry import recipe
from fashion_zoo.runs.ensembled import Ensemble
from fashion_zoo.storage import reading

FORMAT = 3  # 1 had no description of the images, 2 another name for their source
_WORDS: dict[Any, str] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text",
    dict: "an object", list: "a list",
}  # fmt: skip
_LARGEST = 1e15  # a count, seconds or a loss

# A name with a question mark may be missing or null. A list of one stands for any number of items.
_PLACE = {"versions?": dict, "commit?": str, "devices?": int, "callbacks?": [str]}
SHAPES: dict[str, dict[str, Any]] = {
    "config.json": {
        "data?": {
            "class_names": [str],
            "image_shape": [int],
            "train": int,
            "validation": int,
            "test": int,
            "digest?": str,
            "test_digest?": str,
            "invert?": bool,
            "notes?": [str],
            "ground?": int,
        },
        "ensemble?": Ensemble.shape,
    },
    "training.json": {
        "finished": bool,
        "epochs": int,
        "seconds": float,
        "validation_accuracy": float,
        "validation_images?": int,
        "validation_loss?": float,
        "stopped_early?": str,
        "weights_of_epoch?": int,
        "model_optimizer?": str,
        "model_needs?": list,
        "averaging?": {"kept": str, "monitor": str, "raw": float, "averaged": float},
    },
    "environment.json": {
        **_PLACE,
        "fork?": {"run": str, "epochs": int},
        "resumed?": [_PLACE],
    },
}


class Result(dict[str, Any]):
    """A result of the model of a run: the content of its JSON file in the run folder."""

    file: ClassVar[str]
    """The JSON file, which is written last."""
    files: ClassVar[tuple[str, ...]]
    """All files and folders that are removed when training resumes."""
    shape: ClassVar[dict[str, Any]]
    """The required content of the file, as in ``SHAPES``."""
    missing: ClassVar[str] = ""
    """Line in the representation of a run without this result; empty for none."""

    @property
    def summary(self) -> str:
        """Line in the representation of a run; empty for none."""
        return ""


RESULTS: Vocabulary[Any] = Vocabulary(
    "result of a run",
    modules=(
        "fashion_zoo.evaluation.report",
        "fashion_zoo.exporting.export",
        "fashion_zoo.inspecting.findings",
    ),
)


def is_run(path: Path) -> bool:
    """Return whether a folder is a run."""
    return reading.is_json_with(path / "config.json", {"format", "recipe", "config"})


def write_config(
    file: Path,
    name: str,
    config: RunConfig,
    data: Description | None = None,
    ensemble: Ensemble | None = None,
) -> None:
    """Write recipe, config, description of the images, and of an ensemble, atomically."""
    stored = {"format": FORMAT, "recipe": name, "config": dataclasses.asdict(config)}
    if data is not None:
        stored["data"] = dataclasses.asdict(data)
    if ensemble is not None:
        stored["ensemble"] = ensemble
    storage.write_json(file, stored)


@checked
def read_config(file: AnyPath, name: str) -> RunConfig:
    """Return the config in a file, such as a run's config.json or a search's best.json.

    Args:
        file: the file.
        name: the recipe that it must be of.

    Raises:
        RunError: if it cannot be read, holds no config, or is of another recipe.
    """
    found, config, *_ = parse(Path(file))
    if found != name:
        raise RunError(f"{file} is a config of {found}, not of {name}.")
    return config


def parse(file: Path) -> tuple[str, RunConfig, Description | None, Ensemble | None]:
    """Return the recipe's name, the config, the description of the images and of an ensemble.

    Raises RunError if it is not a config, of a newer version, or does not fit its recipe.
    """
    stored = read_json(file, {})
    name: Any = stored.get("recipe")
    number = stored.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise RunError(
            f"{file} has format {number}; this package reads formats up to {FORMAT}. "
            "Update fashion_zoo."
        )
    readable = type(number) is int and number >= 1 and isinstance(name, str)
    if not readable or not isinstance(stored.get("config"), dict):
        raise RunError(f"{file} is not a run's config.")
    check_shape(file, stored, SHAPES["config.json"])
    try:
        entry = recipe(name)
        config = override(entry.config, revived(entry.config, stored["config"]))
    except ConfigError as error:
        raise RunError(
            f"{file} cannot be opened: ",
            error,
            " If the recipe or a word is your own, load its file first, with ",
            Hint("load_recipes"),
            ".",
        ) from error
    except (KeyError, TypeError, ValueError) as error:  # of the config of an own family
        raise RunError(
            f"{file} cannot be opened: its settings do not fit {name}: "
            f"{type(error).__name__}: {error}."
        ) from error
    fields = {field.name for field in dataclasses.fields(Description)}
    known = stored.get("data")
    found = known and {key: one for key, one in known.items() if key in fields and one is not None}
    made = stored.get("ensemble")
    if made and not made["members"]:
        raise RunError(f"{file} is damaged: its ensemble has no members.")
    return entry.name, config, _revive(found, Description), Ensemble(made) if made else None


def read_json(path: Path, shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object in a JSON file; raises RunError if it is damaged or of another shape."""
    try:
        value = reading.read_json(path)
        # A path that is not UTF-8 has surrogates of its own; no others can be encoded again.
        json.dumps(value, ensure_ascii=False).encode(errors="surrogateescape")
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged: expected a JSON object.")
    check_shape(path, value, shape)
    return value


def check_shape(file: Path, value: Any, shape: Any, where: str = "") -> None:
    """Check that a JSON value has a shape: a type, a dictionary of shapes, or a list of one.

    The RunError has the place in the file and what was expected.
    """
    kind: Any = type(shape) if isinstance(shape, dict | list) else shape
    if not _is(value, kind):
        raise RunError(f"{file} is damaged: {where or 'it'} must be {_WORDS[kind]}.")
    if isinstance(shape, list):
        for place, one in enumerate(value):
            check_shape(file, one, shape[0], f"{where}[{place}]")
    elif isinstance(shape, dict):
        for name, inside in shape.items():
            key = name.removesuffix("?")
            if name.endswith("?") and value.get(key) is None:
                continue
            check_shape(file, value.get(key), inside, f"{where}.{key}" if where else key)


def _is(value: Any, kind: type) -> bool:
    if kind in (int, float):
        number = isinstance(value, (int, kind)) and not isinstance(value, bool)
        return number and abs(value) < _LARGEST
    return isinstance(value, kind)


def as_stored(config: Any) -> dict[str, Any]:
    """Return a config dataclass as JSON has it; equal settings are equal in this form."""
    return json.loads(storage.as_json(dataclasses.asdict(config)))


def revived(default: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the fields of a stored config to the types of their annotations.

    JSON has no tuples, paths, sets, enumerations, dataclasses and whole-number keys. A missing
    field gets the default of its dataclass, not the recipe's: when the config was stored, the
    setting did not exist, and such a default changes nothing.

    A field without an annotation has the type of its value in ``default``.
    """
    hints: dict[str, Any] = {}
    with contextlib.suppress(Exception):  # an annotation whose name only a type checker has
        hints = typing.get_type_hints(type(default))
    usual = {field.name: digest.default(field) for field in dataclasses.fields(default)}
    values = {name: value for name, value in usual.items() if value is not dataclasses.MISSING}
    for name, value in renames.current(default, stored).items():
        current = getattr(default, name, None)
        if dataclasses.is_dataclass(current) and isinstance(value, Mapping):
            values[name] = revived(current, value)
        else:
            values[name] = _revive(value, _hint(hints.get(name, Any), current))
    return values


def _hint(annotated: Any, current: Any) -> Any:
    """Return the annotation of a field, or the type of its default if that is more precise."""
    if annotated in (Any, object, dict):
        whole = isinstance(current, dict) and current and all(type(key) is int for key in current)
        return dict[int, Any] if whole else type(current)
    loose = typing.get_origin(annotated) in (collections.abc.Sequence, collections.abc.Iterable)
    if loose and isinstance(current, tuple):
        return tuple[typing.get_args(annotated)[0], ...]  # type: ignore[misc]  # made as it runs
    return annotated


def _revive(value: Any, hint: Any) -> Any:
    """Convert a JSON value to the type of an annotation; return it as it is if there is none."""
    kind, of = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind in (typing.Union, types.UnionType):
        for one in of:
            made, its = _revive(value, one), typing.get_origin(one) or one
            if isinstance(its, type) and isinstance(made, its):
                return made
        return value
    if not isinstance(kind, type):
        return value
    if isinstance(value, list):
        if issubclass(kind, tuple) and len(of) == len(value) and Ellipsis not in of:
            return tuple(map(_revive, value, of))
        # In a bare tuple, lists were tuples as well.
        inner = of[0] if of else tuple if issubclass(kind, tuple) else Any
        items = [_revive(one, inner) for one in value]
        made = issubclass(kind, tuple | collections.abc.Set)
        return kind(items) if made else items
    if isinstance(value, Mapping):
        if dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind)
            return kind(**{name: _revive(one, hints[name]) for name, one in value.items()})
        key, its = of if len(of) == 2 else (Any, Any)
        as_key = key if key in (int, float) else str
        return {as_key(name): _revive(one, its) for name, one in value.items()}
    if issubclass(kind, Enum) or (isinstance(value, str) and issubclass(kind, PurePath)):
        return kind(value)
    return value
