"""Checks of a setting, whose messages have its name, the value received and what is allowed."""

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, get_args

from fashion_zoo.errors import ConfigError
from fashion_zoo.language.wording import unknown


def choice(name: str, value: object, literal: Any) -> None:
    """Check that the value is one of those of a ``Literal``."""
    if not isinstance(value, str) or value not in get_args(literal):
        raise ConfigError(unknown(name, value, get_args(literal)))


def whole(name: str, value: object, low: int, high: float = math.inf) -> None:
    """Check that the value is a whole number of at least ``low``, and at most ``high``."""
    integral = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integral or not low <= value <= high:  # type: ignore[operator]  # checked integral
        allowed = f"of at least {low}" if high == math.inf else f"in {low}..{high}"
        raise ConfigError(f"{name} must be a whole number {allowed}, received {value!r}.")


def at_least(low: int, high: float = math.inf) -> Callable[[str, object], None]:
    """Return the check of a whole number, for the annotation of a setting."""
    return lambda name, value: whole(name, value, low, high)


def number(name: str, value: object, allowed: str, test: Callable[[float], bool]) -> None:
    """Check that the value is a finite real number that passes the test, ``allowed`` in words."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    try:
        valid = real and math.isfinite(value) and test(value)  # type: ignore[arg-type]  # real
    except OverflowError:  # a whole number too large for a float
        valid = False
    if not valid:
        raise ConfigError(f"{name} must be {allowed}, received {value!r}.")


def _numeric(allowed: str, test: Callable[[float], bool]) -> Callable[[str, object], None]:
    return lambda name, value: number(name, value, allowed, test)


share = _numeric("a number above 0 and below 1", lambda value: 0 < value < 1)
positive = _numeric("a number above 0", lambda value: value > 0)
at_least_one = _numeric("a number of at least 1", lambda value: value >= 1)
not_negative = _numeric("a number of at least 0", lambda value: value >= 0)
fraction = _numeric("a number of at least 0 and below 1", lambda value: 0 <= value < 1)
proportion = _numeric("a number of at least 0 and at most 1", lambda value: 0 <= value <= 1)


def flag(name: str, value: object) -> None:
    """Check that the value is True or False."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be True or False, received {value!r}.")


def sequence(name: str, value: object) -> tuple:
    """Return a number or a list of numbers as a tuple."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(value)
    if isinstance(value, numbers.Real):
        return (value,)
    raise ConfigError(f"{name} must be a number or a list of numbers, received {value!r}.")


def sweep(seeds: object, low: float, high: float, steps: object) -> None:
    """Check the settings of a learning-rate range test."""
    whole("seeds", seeds, 1)
    whole("steps", steps, 20)
    positive("low", low)
    positive("high", high)
    if not low < high:
        raise ConfigError(f"low must be below high, received {low:g} and {high:g}.")
