"""Differences to tyro in reading values and showing help, and the short help of a command.

- None is the word ``none``.
- A list of numbers or of words may have commas, ``256,128``, or spaces. The config checks words.
- A default is quoted so that a shell takes it and a person can read it.
- The help of a setting with a vocabulary lists its words.
"""

import argparse
import ast
import dataclasses
import functools
import inspect
import shlex
import shutil
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, get_args, get_origin

from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

import fashion_zoo

REGISTRY = ConstructorRegistry()
# Short flags for settings of the training, in every command that takes a config.
ALIASES = {f"--{name}": f"--training.{name}" for name in ("epochs", "batch-size", "learning-rate")}


class _Shown(list[str]):
    """The words of a default; tyro would quote those of a plain list itself."""

    def __str__(self) -> str:
        return " ".join(map(quoted, self))


def quoted(word: str) -> str:
    """Quote a word for a shell, in double quotes if it has single ones."""
    if "'" in word and not any(letter in word for letter in '"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def shown(value: Any) -> str:
    """Return the words of a value on a command line."""
    if isinstance(value, tuple | list):
        return " ".join(quoted(str(one)) for one in value)
    return "none" if value is None else quoted(str(value))


def expanded(arguments: Sequence[str]) -> list[str]:
    """Replace the aliases by their flags; raise ConfigError for one that has another name now."""
    words = []
    for argument in arguments:
        flag, sign, value = argument.partition("=")
        for section, names in fashion_zoo.config.RENAMED.items():
            for old, new in names.items():
                if flag == f"--{section}.{old.replace('_', '-')}":
                    raise fashion_zoo.ConfigError(f"{flag} is now --{section}.{new}.")
        words.append(ALIASES.get(flag, flag) + sign + value)
    return words


def text_of(config: Any, name: str) -> str:
    """Return the help of a field of a config: the docstring below it, and its words."""
    found = {name: text for base in type(config).__mro__ for name, text in _texts(base).items()}
    text, words = found.get(name, ""), fashion_zoo.words_of(config)
    # Six settings are schedules; the first one lists them.
    if name not in words or next(one for one in words if words[one] is words[name]) != name:
        return text
    return f"{text} Words: {', '.join(words[name])}.".strip()


@functools.cache
def _texts(kind: type) -> dict[str, str]:
    """Return the docstring below each field of a class, or nothing without its source."""
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    except (OSError, TypeError, SyntaxError):
        return {}
    assert isinstance(node, ast.ClassDef)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


@REGISTRY.struct_rule
def _config_of_words(info: StructTypeInfo) -> StructConstructorSpec | None:
    if not isinstance(info.type, type) or not dataclasses.is_dataclass(info.default):
        return None
    if not fashion_zoo.words_of(info.default):
        return None
    fields = (
        StructFieldSpec(
            field.name,
            field.type,  # type: ignore[arg-type]  # a string names no words
            getattr(info.default, field.name),
            functools.partial(text_of, info.default, field.name),
        )
        for field in dataclasses.fields(info.default)
    )
    return StructConstructorSpec(info.type, tuple(fields))


@REGISTRY.primitive_rule
def _none(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[None] | None:
    if info.type is not type(None):
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="none",
        instance_from_str=lambda words: None,
        is_instance=lambda value: value is None,
        str_from_instance=lambda value: ["none"],
        choices=("none", "None"),
    )


@REGISTRY.primitive_rule
def _text(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[str] | None:
    if info.type is not str:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="TEXT",
        instance_from_str=lambda words: words[0],
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda value: _Shown([value]),
    )


@REGISTRY.primitive_rule
def _list(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[tuple[Any, ...]] | None:
    # Not compared with tuple[int, ...]: beside a default of two, tyro hands over Tuple[int, ...].
    kind, *more = (*get_args(info.type), None)
    words = get_args(kind) if get_origin(kind) is Literal else ()
    if (
        get_origin(info.type) is not tuple
        or more != [..., None]
        or not (kind in (int, float) or words)
    ):
        return None
    read: Callable[[str], Any] = str if words else kind
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{{{','.join(words)}}} ..." if words else f"{kind.__name__.upper()} ...",
        instance_from_str=lambda given: tuple(
            read(part) for word in given for part in word.split(",") if part
        ),
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda value: [str(one) for one in value],
    )


# What other programs call the learning rate, and the place of what a command writes.
_OTHERS: dict[str, tuple[str, ...]] = {
    "lr": ("training.learning-rate",),
    **dict.fromkeys(
        ("out", "output", "out-dir", "output-dir", "save-dir", "folder", "dir"),
        ("run-dir", "study-dir", "to"),
    ),
}


def unknown_option(words: Sequence[str], options: Any) -> str:
    """Return the answer to words that are no option of a command.

    The nearest option is found by its whole name or by its last part, so that ``--dropout`` is
    answered with ``--model.dropout``, or by what other programs call it.

    Args:
        words: what was not understood, in order.
        options: the dataclass of the options, or one with their defaults.
    """
    word = next((one for one in words if one.startswith("-")), None)
    if word is None:
        return f"error: Unexpected argument {words[0]!r}."
    given = word.partition("=")[0]
    flags = [path.replace("_", "-") for path, _ in _leaves(options)]
    called = {flag.rpartition(".")[2]: flag for flag in reversed(flags)}  # the first one of a name
    called |= {flag: flag for flag in flags}
    for name, meant in _OTHERS.items():
        if flag := next((one for one in meant if one in flags), None):
            called[name] = flag
    near = fashion_zoo.wording.nearest(given.lstrip("-").replace("_", "-"), called)
    aliases = {flag: alias for alias, flag in ALIASES.items()}
    flag = f"--{called[near]}" if near else given
    hint = f" Did you mean {aliases.get(flag, flag)}?" if flag != given else ""
    return f"error: Unknown option {given}.{hint}"


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
    """Wrap each line to the width of the terminal."""
    width = max(shutil.get_terminal_size().columns - 2, 20)
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def short_help(default: Any, command: str, brief: Brief, everywhere: str) -> str:
    """Return the short help of a command, such as ``"train bn_mlp"``, as wide as the terminal."""
    module, _, recipe = command.partition(" ")
    examples = [
        f"  python -m recipes.{module} {line.replace('NAME', recipe)}" for line in brief.examples
    ]
    known = dict(_leaves(default))
    parser = argparse.ArgumentParser(
        f"python -m recipes.{command}",
        usage="%(prog)s [OPTIONS]",
        description=filled(inspect.cleandoc(default.__doc__ or "")),
        epilog="\n".join(
            [
                "Examples:",
                *examples,
                "",
                f"--help-all shows all {len(known)} options with their defaults.",
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


def _leaves(config: Any, prefix: str = ""):
    """Yield path, config and name of every setting of a config, or of its class, at any depth."""
    for field in dataclasses.fields(config):
        factory: Any = field.default_factory
        made = isinstance(config, type) and factory is not dataclasses.MISSING
        value = factory() if made else getattr(config, field.name, None)
        path = f"{prefix}{field.name}"
        if dataclasses.is_dataclass(value):
            yield from _leaves(value, f"{path}.")
        else:
            yield path, (config, field.name)
