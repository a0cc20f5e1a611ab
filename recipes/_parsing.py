"""How values are read from a command line and shown in its help, where tyro's way is not ours.

- None is the word ``none``.
- A list of numbers may have commas, ``256,128``, or spaces.
- A default is quoted so that a shell takes it and a person can read it.
"""

import shlex
from collections.abc import Callable, Sequence
from typing import Any, get_args

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

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
