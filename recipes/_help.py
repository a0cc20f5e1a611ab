"""The help of a command, as wide as the terminal: its text, its tables, and its short form."""

import argparse
import inspect
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from recipes._parsing import ALIASES, leaves, shown, text_of


class Brief(NamedTuple):
    """The content of the short help of a command."""

    settings: Sequence[str]
    """Fields of its options by their path, such as ``training.epochs``."""
    examples: Sequence[str]
    """Arguments of example command lines, with ``NAME`` for the recipe."""


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Whether the arguments ask for the short help."""
    return any(word in ("-h", "--help") for word in arguments)


def filled(text: str) -> str:
    """Wrap each line to the width of the terminal; flags stay whole."""
    return "\n".join(_wrapped(line) for line in text.splitlines())


def description(text: str) -> str:
    """Wrap the paragraphs of a docstring to the width of the terminal."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(filled(" ".join(one.split())) for one in paragraphs)


def table(rows: Mapping[str, str]) -> str:
    """Return a line for each name with its text, which is wrapped beside the names."""
    wide = max(map(len, rows)) + 4
    return "\n".join(
        _wrapped(text, f"  {name}".ljust(wide), " " * wide) for name, text in rows.items()
    )


def _wrapped(text: str, first: str = "", other: str = "") -> str:
    width = max(shutil.get_terminal_size().columns - 2, len(other) + 20)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=other, break_on_hyphens=False
    )


def short_help(default: Any, command: str, brief: Brief, everywhere: str) -> str:
    """Return the short help of a command, such as ``"train bn_mlp"``, as wide as the terminal."""
    module, _, recipe = command.partition(" ")
    examples = [
        f"  python -m recipes.{module} {line.replace('NAME', recipe)}" for line in brief.examples
    ]
    known = dict(leaves(default))
    parser = argparse.ArgumentParser(
        f"python -m recipes.{command}",
        usage="%(prog)s [OPTIONS]",
        description=description(default.__doc__ or ""),
        epilog="\n".join(
            [
                "Examples:",
                *examples,
                "",
                filled(f"--help-all shows all {len(known)} options with their defaults."),
                filled(everywhere),
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    aliases = {flag: alias for alias, flag in ALIASES.items()}
    for path in brief.settings:
        if path not in known:  # another family may lack it
            continue
        config, name = known[path]
        value, text = getattr(config, name), text_of(config, name)
        flag = f"--{path.replace('_', '-')}"
        words: dict[str, Any] = {"action": "store_true"}
        if not isinstance(value, bool):
            words = {"metavar": shown(value) or "...", "nargs": 1}
        parser.add_argument(aliases.get(flag, flag), help=text.replace("%", "%%"), **words)
    return parser.format_help().replace("\noptions:\n", "\noptions, with their defaults:\n")
