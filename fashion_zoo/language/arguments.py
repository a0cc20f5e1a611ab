"""Check the arguments of public functions against their annotations.

    @checked
    def open_run(run: AnyPath) -> Run: ...

A value of a wrong type is a ConfigError at the call, not an AttributeError in the code below.
"""

import dataclasses
import functools
import inspect
import numbers
import os
import pathlib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from fashion_zoo.errors import ConfigError
from fashion_zoo.language.wording import counted, unknown, with_article
from fashion_zoo.storage import absolute

Function = TypeVar("Function", bound=Callable[..., Any])

AnyPath = str | os.PathLike[str]
"""A path as text, a ``Path``, or an object with a path, such as a ``Run``."""
Place = Annotated[AnyPath, "made absolute"]
"""A path that is used after calls to user code, which may change the current folder."""


class Meaning(str):
    """What values of an annotation are, for messages: ``Annotated[AnyPath, Meaning("a run")]``."""


_WORDS: dict[Any, str] = {
    str: "a text", int: "a whole number", float: "a number", bool: "True or False",
    type(None): "None", pathlib.Path: "a path", os.PathLike: "a path",
}  # fmt: skip
_SHOWN = 60  # characters of a value in a message


def checked(function: Function) -> Function:
    """Decorate a function to check its arguments against its annotations.

    Numbers of numpy become Python's, which JSON can hold, and a ``Place`` is made absolute. An
    annotation in quotes, of a type that is not loaded, is not checked. A wrong argument raises
    ConfigError.
    """
    signature = inspect.signature(function)
    hints = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        and not isinstance(parameter.annotation, str)
        and parameter.annotation not in (Any, parameter.empty)
    }
    places = {name for name, hint in hints.items() if Place in (hint, *typing.get_args(hint))}

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # raises Python's own, which names the function
        for name, hint in hints.items():
            if name in bound.arguments:
                value = bound.arguments[name] = plain(bound.arguments[name])
                _check(function.__name__, name, value, hint)
            if name in places:
                given = bound.arguments.get(name, signature.parameters[name].default)
                bound.arguments[name] = None if given is None else absolute(given)
        return function(*bound.args, **bound.kwargs)

    return typing.cast("Function", call)


def check_fields(given: Any) -> None:
    """Check the fields of a dataclass against their annotations, as ``checked`` does arguments."""
    for field in dataclasses.fields(given):
        if not isinstance(field.type, str):
            _check(type(given).__name__, field.name, plain(getattr(given, field.name)), field.type)


def received(value: object) -> str:
    """Return a value for a message, or the type of a long one."""
    text = repr(value)
    if len(text) <= _SHOWN and "\n" not in text:
        return text
    shape = getattr(value, "shape", None)
    return f"{with_article(type(value).__name__)}{f' of shape {shape}' if shape else ''}"


def _check(function: str, name: str, value: Any, hint: Any) -> None:
    import typeguard

    try:
        typeguard.check_type(
            value,
            hint,
            forward_ref_policy=typeguard.ForwardRefPolicy.IGNORE,
            collection_check_strategy=typeguard.CollectionCheckStrategy.ALL_ITEMS,
        )
    except typeguard.TypeCheckError:
        words = [word for word in _literals(hint) if isinstance(word, str)]
        several = value if isinstance(value, list | tuple) else [value]
        wrong = [one for one in several if isinstance(one, str) and one not in words]
        if words and wrong and bool not in typing.get_args(hint):
            raise ConfigError(unknown(name, wrong[0], words)) from None
        raise ConfigError(
            f"{function} takes {described(hint)} as {name}, received {received(value)}."
        ) from None


def _literals(hint: Any) -> tuple[Any, ...]:
    """Return the literals in an annotation, at any depth."""
    inside = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return inside
    return tuple(word for one in inside for word in _literals(one))


def plain(value: Any) -> Any:
    """Return a number as Python's int or float."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def _several(words: str) -> str:
    """Return "a function of 2 arguments" in the plural."""
    first, *rest = words.removeprefix("an ").removeprefix("a ").split(" of ")
    return " of ".join([f"{first}s", *rest])


def described(hint: Any) -> str:
    """Return an annotation in words: ``str | Path | None`` is "a path or None"."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        known = [one for one in inside[1:] if isinstance(one, Meaning)]
        return known[0] if known else described(inside[0])
    if origin is Literal:
        return " or ".join(map(repr, inside))
    if origin in (typing.Union, types.UnionType):
        # "a path" includes text.
        paths = any(_WORDS.get(typing.get_origin(one) or one) == "a path" for one in inside)
        words = [described(one) for one in inside if not (paths and one is str)]
        return " or ".join(dict.fromkeys(words))
    kind = origin or hint
    if kind in _WORDS:
        return _WORDS[kind]
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return "a dictionary"
    if kind is Callable or kind is types.FunctionType:
        several = inside and isinstance(inside[0], list) and inside[0]
        return f"a function of {counted(len(several), 'argument')}" if several else "a function"
    if isinstance(kind, type) and issubclass(kind, Sequence | Iterable) and inside:
        return f"a list of {_several(described(inside[0]))}"
    return with_article(getattr(kind, "__name__", str(kind)))
