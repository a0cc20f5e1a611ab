"""Settings as a file holds them, and back: JSON knows neither tuples nor paths."""

import collections.abc
import contextlib
import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

from fashion_zoo import storage
from fashion_zoo.config import digest


def as_stored(config: Any) -> dict[str, Any]:
    """Return a config dataclass as it is read from the file that it was written into.

    Two configs are the same settings where these are equal.
    """
    return json.loads(storage.as_json(dataclasses.asdict(config)))


def contradictions(config: Any, stored: Mapping[str, Any], path: str = "") -> list[str]:
    """Return one line for each setting that a stored config has otherwise: ``seed: 7, now 0``.

    What only one of them has is a setting that another version does not know.

    Args:
        config: a config dataclass.
        stored: another, as ``as_stored`` has it.
        path: where they stand in larger ones.
    """
    lines = []
    for name, now in as_stored(config).items():
        value, whole = getattr(config, name), f"{path}.{name}" if path else name
        if name not in stored or stored[name] == now:
            continue
        if dataclasses.is_dataclass(value) and isinstance(stored[name], Mapping):
            lines += contradictions(value, stored[name], whole)
        else:
            lines.append(f"{whole}: {stored[name]!r}, now {now!r}")
    return lines


def revived(default: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was read from a file the types that its fields are annotated with.

    A field that is missing has the default of its dataclass, which changes nothing: its writer did
    not know it, and the recipe may since have set it.

    Tuples, nested ones, whole-number keys, paths, sets, enumerations and dataclasses in them come
    back as what they were. A field without an annotation to go by takes the type of its default.

    Args:
        default: a config dataclass.
        stored: its fields as JSON has them.
    """
    hints: dict[str, Any] = {}
    with contextlib.suppress(Exception):  # an annotation whose name only a type checker knows
        hints = typing.get_type_hints(type(default))
    usual = {field.name: digest.default(field) for field in dataclasses.fields(default)}
    values = {
        name: value
        for name, value in usual.items()
        if name not in stored and value is not dataclasses.MISSING
    }
    for name, value in stored.items():
        current = getattr(default, name, None)
        if dataclasses.is_dataclass(current) and isinstance(value, Mapping):
            values[name] = revived(current, value)
        else:
            values[name] = _revive(value, _hint(hints.get(name, Any), current))
    return values


def _hint(annotated: Any, current: Any) -> Any:
    """Return the annotation of a field, told more closely by its default where it is loose."""
    if annotated in (Any, object, dict):
        whole = isinstance(current, dict) and current and all(type(key) is int for key in current)
        return dict[int, Any] if whole else type(current)
    loose = typing.get_origin(annotated) in (collections.abc.Sequence, collections.abc.Iterable)
    if loose and isinstance(current, tuple):
        return tuple[typing.get_args(annotated)[0], ...]  # type: ignore[misc]  # made as it runs
    return annotated


def _revive(value: Any, hint: Any) -> Any:
    """Return a value of JSON as what a type hint says; as it is where the hint says nothing."""
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
        return _revive_list(value, kind, of)
    if isinstance(value, Mapping):
        if dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind)
            return kind(**{name: _revive(one, hints[name]) for name, one in value.items()})
        key, its = of if len(of) == 2 else (Any, Any)
        return {_revive_key(name, key): _revive(one, its) for name, one in value.items()}
    if isinstance(value, str) and issubclass(kind, PurePath):
        return kind(value)
    return kind(value) if issubclass(kind, Enum) else value


def _revive_list(value: list, kind: type, of: tuple) -> Any:
    if issubclass(kind, tuple):
        if len(of) == len(value) and Ellipsis not in of:
            return tuple(_revive(one, its) for one, its in zip(value, of, strict=True))
        # A tuple of who knows what: the lists in it were tuples as well.
        its = of[0] if of else None
        return tuple(_revive(one, its or (tuple if type(one) is list else Any)) for one in value)
    if issubclass(kind, collections.abc.Set):
        return kind(_revive(one, of[0] if of else Any) for one in value)  # type: ignore[call-arg]
    return [_revive(one, of[0] if of else Any) for one in value]


def _revive_key(key: str, hint: Any) -> Any:
    return hint(key) if hint in (int, float) else key
