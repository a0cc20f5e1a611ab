"""Proposals of the library on a command line: hints as flags, calls as commands."""

import ast
import contextlib
import dataclasses
import shlex
from collections.abc import Iterator
from typing import Any

from fashion_zoo import errors
from recipes import _lines

imported: list[str] = []
"""Values of ``--import`` on this command line, which proposed commands repeat."""
given: list[str] = []
"""The other words of this command line, the module first."""

# Flags with another name than the parameter of the library's function.
_RENAMED = {"load_recipes": "import", "storage_url": "storage"}


def message(text: object) -> str:
    """Return the text of an error or a note with relative paths, and proposals as flags."""
    text = getattr(text, "message", text)
    return _lines.places(text.spelled(_spell) if isinstance(text, errors.Message) else str(text))


@contextlib.contextmanager
def in_flags() -> Iterator[None]:
    """Write proposals as flags in the ``args`` of errors, which the parser prints."""
    token = errors.spelling.set(_spell)
    try:
        yield
    finally:
        errors.spelling.reset(token)


def flag(name: str, value: Any = None) -> list[str]:
    """Return the words for a setting, such as ``training.learning_rate``; None: the flag alone."""
    if name == "space":  # a range of one value, which is quoted
        return ["--fix", *(f"{key}={ast.literal_eval(one)}" for key, one in value.items())]
    section, dot, last = _RENAMED.get(name, name).replace("_", "-").rpartition(".")
    known = errors.number(value) if isinstance(value, float) else True if value is None else value
    return next(_lines.flags({last: known}, f"{section}{dot}"))


def changed(config: Any, base: Any, prefix: str = "") -> tuple[errors.Hint, ...]:
    """Return the settings of a config that differ from those of a base of the same class."""
    hints: list[errors.Hint] = []
    for field in dataclasses.fields(config):
        value, known = getattr(config, field.name), getattr(base, field.name)
        if value == known:
            continue
        if dataclasses.is_dataclass(value) and type(value) is type(known):
            hints += changed(value, known, f"{prefix}{field.name}.")
        else:
            hints.append(errors.Hint(f"{prefix}{field.name}", "none" if value is None else value))
    return tuple(hints)


def command(call: errors.Call) -> str:
    """Return the command of a call of the library."""
    words = [word for hint in call.hints for word in flag(hint.setting, hint.value)]
    words += import_flags()
    return f"python -m recipes.{call.function} {shlex.join([*call.arguments, *words])}"


def again() -> str:
    """Return this command line."""
    return f"python -m {shlex.join([*given, *import_flags()])}"


def import_flags() -> list[str]:
    """Return the ``--import`` flags of this command line."""
    return [word for source in imported for word in ("--import", source)]


def _spell(part: errors.Proposal) -> str:
    match part:
        case errors.Hint():
            return shlex.join(flag(part.setting, part.value))
        case errors.Call():
            return command(part)
        case errors.Again():
            return again()
