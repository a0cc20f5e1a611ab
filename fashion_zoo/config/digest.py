"""The digest of a config: of what differs from the defaults of its dataclasses.

So a new field whose default changes nothing leaves every digest as it is, and nothing is measured
again. It holds as long as no default that exists is changed: whoever changes one raises ``FORMAT``,
and every digest with it. ``tests/test_digest.py`` holds the defaults.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fashion_zoo import storage

FORMAT = 1


def of(config: Any) -> str:
    """Return the format and the first 12 digits of the SHA-256 of what is not a default."""
    text = json.dumps(json.loads(storage.as_json(changed(config))), sort_keys=True)
    return f"{FORMAT}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def changed(config: Any) -> dict[str, Any]:
    """Return the fields of a config dataclass that differ from its defaults.

    A section of another class than the default's, such as the model of another family, is there
    with the name of its class.
    """
    found = {}
    for field in dataclasses.fields(config):
        value, usual = getattr(config, field.name), default(field)
        if dataclasses.is_dataclass(value):
            inside = changed(value)
            if type(value) is not type(usual):
                inside = {"class": type(value).__name__, **inside}
            if inside:
                found[field.name] = inside
        elif value != usual:
            found[field.name] = value
    return found


def default(field: dataclasses.Field) -> Any:
    """Return the default of a field, ``dataclasses.MISSING`` where it has none."""
    factory = field.default_factory
    return field.default if factory is dataclasses.MISSING else factory()


def completed(config: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored config with the defaults of the fields that its writer did not know.

    Args:
        config: a config dataclass, whose fields say which there are.
        stored: the same as ``plain`` had it when it was written.
    """
    whole = dict(stored)
    for field in dataclasses.fields(config):
        name, value, usual = field.name, getattr(config, field.name), default(field)
        if name not in stored and usual is not dataclasses.MISSING:
            whole[name] = plain(usual)
        elif dataclasses.is_dataclass(value) and isinstance(stored.get(name), Mapping):
            whole[name] = completed(value, stored[name])
    return whole


def plain(value: Any) -> Any:
    """Return configs, and what holds them, as JSON does."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    made = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return dataclasses.asdict(value) if made else str(value)
