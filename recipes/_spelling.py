"""How a command line spells what the library proposes: hints as flags, calls as commands."""

import ast
import shlex
from typing import Any

from fashion_zoo.errors import Call, Hint, Message
from recipes import _lines

imported: list[str] = []
"""What this command line imported: a recipe of one's own is not found without."""

# What a command calls otherwise than the library's function does.
_RENAMED = {"load_recipes": "import", "storage_url": "storage"}


def message(text: object) -> str:
    """Return an error or a note with what it proposes as flags and commands."""
    text = getattr(text, "message", text)
    return text.spelled(_spell) if isinstance(text, Message) else str(text)


def flag(name: str, value: Any = None) -> list[str]:
    """Return the words that set a setting.

    Args:
        name: the setting; a dot leads into a config, as in ``training.learning_rate``.
        value: its value; None gives the flag alone.
    """
    if name == "space":  # a range of one value, which has quotes of its own
        return ["--fix", *(f"{key}={ast.literal_eval(one)}" for key, one in value.items())]
    section, dot, last = _RENAMED.get(name, name).replace("_", "-").rpartition(".")
    known = f"{value:g}" if isinstance(value, float) else True if value is None else value
    return next(_lines.flags({last: known}, f"{section}{dot}"))


def command(call: Call) -> str:
    """Return the command that does what a call of the library does."""
    words = [word for hint in call.hints for word in flag(hint.setting, hint.value)]
    words += [word for source in imported for word in ("--import", source)]
    return f"python -m recipes.{call.function} {shlex.join([*call.arguments, *words])}"


def _spell(part: Hint | Call) -> str:
    return command(part) if isinstance(part, Call) else shlex.join(flag(part.setting, part.value))
