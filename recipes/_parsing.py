"""Differences to tyro in reading values and showing help.

- None is the word ``none``.
- A list of numbers or of words may have commas, ``256,128``, or spaces. The config checks words.
- A default is quoted so that a shell takes it and a person can read it.
- The help of a setting with a vocabulary lists its words.
"""

import ast
import dataclasses
import functools
import inspect
import shlex
import textwrap
import types
from collections.abc import Callable, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import tyro
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


@REGISTRY.primitive_rule
def _word(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """A word of a ``Literal``, or none beside it: tyro's answer to another one names no nearest."""
    parts = get_args(info.type) if get_origin(info.type) in (Union, types.UnionType) else ()
    literals = [one for one in parts or (info.type,) if get_origin(one) is Literal]
    others = [one for one in parts if get_origin(one) is not Literal]
    if len(literals) != 1 or others not in ([], [type(None)]):
        return None
    empty = ["none"] if others and tyro.conf.DisallowNone not in info.markers else []
    words = [*empty, *get_args(literals[0])]

    def read(given: list[str]) -> str | None:
        if empty and given[0].lower() == "none":
            return None
        if given[0] not in words:
            raise fashion_zoo.ConfigError(fashion_zoo.unknown("value", given[0], words))
        return given[0]

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"{{{','.join(words)}}}",
        instance_from_str=read,
        is_instance=lambda value: value is None or value in words,
        str_from_instance=lambda value: ["none" if value is None else value],
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
    flags = [path.replace("_", "-") for path, _ in leaves(options)]
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


def leaves(config: Any, prefix: str = ""):
    """Yield path, config and name of every setting of a config, or of its class, at any depth."""
    for field in dataclasses.fields(config):
        factory: Any = field.default_factory
        made = isinstance(config, type) and factory is not dataclasses.MISSING
        value = factory() if made else getattr(config, field.name, None)
        path = f"{prefix}{field.name}"
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{path}.")
        else:
            yield path, (config, field.name)
