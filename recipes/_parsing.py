"""How values are read from a command line and shown in its help, where tyro's way is not ours.

- None is the word ``none``.
- A list of numbers may have commas, ``256,128``, or spaces.
- A default is quoted so that a shell takes it and a person can read it.
- The help of a setting that is written in words lists them.
"""

import ast
import dataclasses
import functools
import inspect
import shlex
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, get_args

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
# What stands for a setting of the training, in every command that takes a config.
ALIASES = {f"--{name}": f"--training.{name}" for name in ("epochs", "batch-size", "learning-rate")}


class _Shown(list[str]):
    """The words of a default. Tyro quotes those of a plain list itself."""

    def __str__(self) -> str:
        return " ".join(map(quoted, self))


def quoted(word: str) -> str:
    """Quote a word for a shell: in double quotes where there are single ones in it."""
    if "'" in word and not any(letter in word for letter in '"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def shown(value: Any) -> str:
    """Return the words of a value as a command line has them."""
    if isinstance(value, tuple | list):
        return " ".join(quoted(str(one)) for one in value)
    return "none" if value is None else quoted(str(value))


def expanded(arguments: Sequence[str]) -> list[str]:
    """Replace the aliases by the flags that they stand for."""
    words = []
    for argument in arguments:
        flag, sign, value = argument.partition("=")
        words.append(ALIASES.get(flag, flag) + sign + value)
    return words


def text_of(config: Any, name: str) -> str:
    """Return the help of a field of a config: the text below it, and the words that it takes."""
    found = {name: text for base in type(config).__mro__ for name, text in _texts(base).items()}
    text, words = found.get(name, ""), fashion_zoo.words_of(config)
    # Six settings are schedules; the first one lists them.
    if name not in words or next(one for one in words if words[one] is words[name]) != name:
        return text
    return f"{text} Words: {', '.join(words[name])}.".strip()


@functools.cache
def _texts(kind: type) -> dict[str, str]:
    """Return the text below each field of a class; nothing where its source is not to be had."""
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
def _numbers(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[tuple[Any, ...]] | None:
    if info.type not in (tuple[int, ...], tuple[float, ...]):
        return None
    kind: Callable[[str], Any] = get_args(info.type)[0]
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{kind.__name__.upper()} ...",
        instance_from_str=lambda words: tuple(
            kind(part) for word in words for part in word.split(",") if part
        ),
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda value: [str(one) for one in value],
    )
