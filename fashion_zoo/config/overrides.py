"""Configs changed by name, and what changed between two."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import received
from fashion_zoo.language.wording import unknown

ConfigType = TypeVar("ConfigType")


def _where_it_is(config: Any, name: str) -> str:
    """Return a hint when an option that is unknown here is one of a section."""
    for field in dataclasses.fields(config):
        section = getattr(config, field.name)
        if dataclasses.is_dataclass(section) and hasattr(section, name):
            return f" It is an option of {field.name}: {field.name}={{{name!r}: ...}}."
    return ""


def override(config: ConfigType, changes: Mapping[str, Any], path: str = "") -> ConfigType:
    """Return the config with some of its fields changed, at any depth.

    Args:
        config: any config dataclass.
        changes: field names to values; a nested config takes a mapping of its own fields.
        path: where ``config`` stands in a larger one, for the message.

    Raises:
        ConfigError: an unknown name, answered with the nearest one, or a value that is not
            allowed.
    """
    if not isinstance(changes, Mapping) or not dataclasses.is_dataclass(config):
        raise ConfigError(
            "override takes a config and a dictionary of changes, received "
            f"{received(config)} and {received(changes)}."
        )
    fields = [field.name for field in dataclasses.fields(config)]
    values = {}
    for name, value in changes.items():
        if name not in fields:
            known = unknown(f"option{' of ' + path if path else ''}", name, fields)
            raise ConfigError(known + _where_it_is(config, name))
        current = getattr(config, name)
        if dataclasses.is_dataclass(current) and not isinstance(value, type(current)):
            if not isinstance(value, Mapping):
                names = ", ".join(field.name for field in dataclasses.fields(current))
                raise ConfigError(
                    f"{name} must be a mapping with some of {names}, received {value!r}."
                )
            value = override(current, value, f"{path}.{name}" if path else name)
        values[name] = value
    return dataclasses.replace(config, **values)  # type: ignore[type-var]  # a dataclass


def override_each(configs: Sequence[Any], changes: Mapping[str, Any]) -> list[Any]:
    """Return several configs, each with its own of the changes.

    Args:
        configs: config dataclasses with no field in common.
        changes: field names to values.

    Raises:
        ConfigError: as ``override``; an unknown name is answered with the names of all of them.
    """
    own = [{field.name for field in dataclasses.fields(config)} for config in configs]
    for name in changes:
        if not any(name in fields for fields in own):
            where = "".join(_where_it_is(config, name) for config in configs)
            raise ConfigError(unknown("option", name, sorted(set().union(*own))) + where)
    return [
        override(config, {name: value for name, value in changes.items() if name in fields})
        for config, fields in zip(configs, own, strict=True)
    ]


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Return one line for each field in which two configs differ: ``seed: 0, now 1``.

    Args:
        old: a config dataclass, or a mapping such as a stored one.
        new: another one.
        path: where they stand in larger ones.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [
            line
            for key in dict.fromkeys([*old, *new])
            for line in differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
        ]
    if type(old) is not type(new) or not dataclasses.is_dataclass(old):
        return [] if old == new else [f"{path}: {old!r}, now {new!r}"]
    return [
        line
        for field in dataclasses.fields(old)
        for line in differences(
            getattr(old, field.name),
            getattr(new, field.name),
            f"{path}.{field.name}" if path else field.name,
        )
    ]
