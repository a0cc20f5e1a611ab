"""Changes of configs by name, and differences of two."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from fashion_zoo.config.renames import check_name
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import received
from fashion_zoo.language.wording import unknown

ConfigType = TypeVar("ConfigType")


def _where_it_is(config: Any, name: str) -> str:
    """Return a hint if an unknown option is one of a section."""
    for field in dataclasses.fields(config):
        section = getattr(config, field.name)
        known = dataclasses.fields(section) if dataclasses.is_dataclass(section) else ()
        if name in [one.name for one in known]:
            return f" It is an option of {field.name}: {field.name}={{{name!r}: ...}}."
    return ""


def override(config: ConfigType, changes: Mapping[str, Any], path: str = "") -> ConfigType:
    """Return the config with some of its fields changed, at any depth.

    Args:
        config: any config dataclass.
        changes: field names to values; a nested config takes a mapping of its own fields.
        path: name of the section in messages.

    Raises:
        ConfigError: if a name is unknown (the message has the nearest one), or a value is not
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
            check_name(type(config), name)
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
    """Override several configs, which have no field in common, each with its own changes."""
    own = [{field.name for field in dataclasses.fields(config)} for config in configs]
    for name in changes:
        if not any(name in fields for fields in own):
            for config in configs:
                check_name(type(config), name)
            where = "".join(_where_it_is(config, name) for config in configs)
            raise ConfigError(unknown("option", name, sorted(set().union(*own))) + where)
    return [
        override(config, {name: value for name, value in changes.items() if name in fields})
        for config, fields in zip(configs, own, strict=True)
    ]


def changes(base: Any, config: Any) -> dict[str, Any]:
    """Return the changes that make a config of another one of its class: those of ``override``."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        old, new = getattr(base, field.name), getattr(config, field.name)
        if dataclasses.is_dataclass(new) and type(old) is type(new):
            if inside := changes(old, new):
                found[field.name] = inside
        elif old != new:
            found[field.name] = new
    return found


def differences(old: Any, new: Any, path: str = "", *, shared: bool = False) -> list[str]:
    """Return one line for each difference of two configs: ``training.epochs: 5, now 9``.

    They are dataclasses or stored mappings. ``shared`` compares only the settings that both have;
    others are of another version of this package.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        pairs = {name: (old.get(name), new.get(name)) for name in [*old, *new]}
        if shared:
            pairs = {name: pair for name, pair in pairs.items() if name in old and name in new}
    elif type(old) is type(new) and dataclasses.is_dataclass(old):
        names = [field.name for field in dataclasses.fields(old)]
        pairs = {name: (getattr(old, name), getattr(new, name)) for name in names}
    else:
        return [] if old == new else [f"{path}: {old!r}, now {new!r}"]
    return [
        line
        for name, pair in pairs.items()
        for line in differences(*pair, f"{path}.{name}" if path else name, shared=shared)
    ]
