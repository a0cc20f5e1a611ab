"""The short help of a command that takes a whole config: the flags one needs, and two examples."""

import argparse
import dataclasses
import inspect
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from recipes._parsing import ALIASES, shown, text_of


class Brief(NamedTuple):
    """What the short help of a command shows."""

    settings: Sequence[str]
    """Fields of its options by their path, such as ``training.epochs``."""
    examples: Sequence[str]
    """Command lines from the recipe's name on, which is written ``NAME``."""


def wanted(arguments: Sequence[str]) -> bool:
    """Whether the short help is asked for."""
    return any(word in ("-h", "--help") for word in arguments)


def short_help(default: Any, command: str, brief: Brief, everywhere: str) -> str:
    """Return the short help, as wide as the terminal.

    Args:
        default: the options with their defaults.
        command: such as ``"train bn_mlp"``.
        brief: what to show.
        everywhere: what holds for every command.
    """
    module, _, recipe = command.partition(" ")
    examples = [
        f"  python -m recipes.{module} {line.replace('NAME', recipe)}" for line in brief.examples
    ]
    count = sum(1 for _ in _leaves(default))
    parser = argparse.ArgumentParser(
        f"python -m recipes.{command}",
        usage="%(prog)s [OPTIONS]",
        description=inspect.cleandoc(default.__doc__ or ""),
        epilog="\n".join(
            [
                "Examples:",
                *examples,
                "",
                f"--help-all shows all {count} options with their defaults.",
                textwrap.fill(everywhere, max(shutil.get_terminal_size().columns - 2, 20)),
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    known = dict(_leaves(default))
    aliases = {flag: alias for alias, flag in ALIASES.items()}
    for path in brief.settings:
        if path not in known:  # a family of one's own may not have it
            continue
        config, name = known[path]
        value, text = getattr(config, name), text_of(config, name)
        flag = f"--{path.replace('_', '-')}"
        words: dict[str, Any] = {"action": "store_true"}
        if not isinstance(value, bool):
            words = {"metavar": shown(value) or "...", "nargs": 1}
        parser.add_argument(aliases.get(flag, flag), help=text.replace("%", "%%"), **words)
    return parser.format_help().replace("\noptions:\n", "\noptions, with their defaults:\n")


def _leaves(config: Any, prefix: str = ""):
    """Yield path, config and name of every setting of a config, at any depth."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        path = f"{prefix}{field.name}"
        if dataclasses.is_dataclass(value):
            yield from _leaves(value, f"{path}.")
        else:
            yield path, (config, field.name)
