"""The digest of a config: a hash of the settings that differ from the defaults of its dataclasses.

A new field changes no digest, so that nothing has to be measured again. Whoever changes an existing
default raises ``FORMAT``, which changes every digest; ``tests/test_digest.py`` has the defaults.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.config.renames import current

FORMAT = 1


def of(config: Any, within: Path | None = None) -> str:
    """Return the format and the first 12 digits of the SHA-256 of the changed settings.

    With a folder, paths below it count from there, so that the digest is the same in a copy of it.
    """
    text = json.dumps(json.loads(storage.as_json(changed(config))), sort_keys=True)
    if within:
        text = text.replace(f"{within}{os.sep}", "")
    return f"{FORMAT}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def changed(config: Any) -> dict[str, Any]:
    """Return the fields of a config dataclass that differ from its defaults.

    A section of another class, such as the model of another family, has the name of its class.
    A config whose fields have another sense than when they were first digested has ``digested()``,
    which returns those fields as then.
    """
    found = {}
    meant = config.digested() if hasattr(config, "digested") else {}
    for field in dataclasses.fields(config):
        value, usual = meant.get(field.name, getattr(config, field.name)), default(field)
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
    """Return the default of a field, ``dataclasses.MISSING`` if it has none."""
    factory = field.default_factory
    return field.default if factory is dataclasses.MISSING else factory()


def completed(config: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored config with the defaults of the fields that are new in ``config``."""
    stored = current(config, stored)
    whole = dict(stored)
    for field in dataclasses.fields(config):
        name, value, usual = field.name, getattr(config, field.name), default(field)
        if name not in stored and usual is not dataclasses.MISSING:
            whole[name] = plain(usual)
        elif dataclasses.is_dataclass(value) and isinstance(stored.get(name), Mapping):
            whole[name] = completed(value, stored[name])
    return whole


def plain(value: Any) -> Any:
    """Return a value with configs in it as JSON has it."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    made = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return dataclasses.asdict(value) if made else str(value)
