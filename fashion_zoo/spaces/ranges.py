"""Ranges of hyperparameters, written as expressions.

    log(1e-4, 1e-2)
    0 | uniform(0.02, 0.5)
    choice('relu', 'gelu')

A range does not depend on a tuner.
"""

import ast
import dataclasses
import math
from typing import Any

import numpy as np

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import checked
from fashion_zoo.language.vocabulary import Vocabulary

Value = bool | int | float | str

_MOST = 10_000  # values that whole lists


def plain(value: Any) -> Any:
    """Return a number or a text of NumPy's, as tuners propose them, as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


@dataclasses.dataclass(frozen=True)
class Float:
    """Numbers from ``low`` to ``high``, both included; their logarithm is uniform if ``log``."""

    low: float
    high: float
    log: bool = False

    def nearest(self, value: float) -> float:
        """Return the value in the range that is nearest."""
        return float(min(max(value, self.low), self.high))


@dataclasses.dataclass(frozen=True)
class Whole:
    """Whole numbers from ``low`` in steps of ``step`` up to ``high``, which is one of them."""

    low: int
    high: int
    step: int = 1

    @property
    def values(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(range(self.low, self.high + 1, self.step))

    def nearest(self, value: int) -> int:
        """Return the value in the range that is nearest."""
        return min(self.values, key=lambda known: abs(known - value))


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Value, ...]

    def nearest(self, value: Value) -> Value:
        """Return the value itself, the nearest number, or the first of the values."""
        if value in self.values:
            return value
        numbers = [known for known in self.values if isinstance(known, int | float)]
        if len(numbers) == len(self.values) and isinstance(value, int | float):
            return min(numbers, key=lambda known: abs(known - value))
        return self.values[0]


Range = Float | Whole | Choice


@dataclasses.dataclass(frozen=True)
class OrZero:
    """Zero, or a value of a range: a switch, and a value if it is on."""

    range: Float | Whole


def _finished(made: object) -> Range | OrZero | None:
    """Return a range; a value alone is a choice of one."""
    if isinstance(made, bool | int | float | str):
        return Choice((made,))
    return made if isinstance(made, Float | Whole | Choice | OrZero) else None


WORDS: Vocabulary[Range | OrZero] = Vocabulary("range", example="log(1e-4, 1e-2)", finish=_finished)
parse = WORDS.parse


@WORDS.register
def uniform(low: float, high: float) -> Float:
    """Numbers from ``low`` to ``high``, all equally likely."""
    _check_ends("uniform", low, high)
    return Float(float(low), float(high))


@WORDS.register
def log(low: float, high: float) -> Float:
    """The logarithm is uniform from ``low`` to ``high``: for rates and strengths."""
    checks.positive("low", low)
    _check_ends("log", low, high)
    return Float(float(low), float(high), log=True)


@WORDS.register
def whole(low: int, high: int, step: int = 1) -> Whole:
    """Whole numbers from ``low`` to ``high``, both included, in steps."""
    checks.whole("step", step, 1)
    for name, value in (("low", low), ("high", high)):
        checks.number(name, value, "a whole number", lambda number: number == int(number))
    _check_ends("whole", low, high)
    if (high - low) % step:
        raise ConfigError(f"high must be low plus a multiple of step={step}, received {high}.")
    if (high - low) // step >= _MOST:
        raise ConfigError(f"whole has at most {_MOST:,} values; set a larger step or use uniform.")
    return Whole(int(low), int(high), int(step))


@WORDS.register
def choice(*values: Value) -> Choice:
    """One of the values: numbers, or text in quotes."""
    if not values:
        raise ConfigError("choice needs at least one value, received none.")
    values = tuple(plain(value) for value in values)
    for value in values:
        if not isinstance(value, bool | int | float | str):
            raise ConfigError(f"choice takes numbers and quoted text, received {value!r}.")
    kinds = {type(value) for value in values}
    if kinds == {int, float}:
        values, kinds = tuple(float(value) for value in values), {float}
    if len(kinds) > 1 or len(set(values)) < len(values):
        raise ConfigError(
            f"choice needs values that differ and are of one kind, received {list(values)}."
        )
    return Choice(values)


def _check_ends(name: str, low: float, high: float) -> None:
    for end, value in (("low", low), ("high", high)):
        checks.number(end, value, "a finite number", math.isfinite)
    if not low < high:
        raise ConfigError(f"{name} needs low below high, received {low:g} and {high:g}.")


@WORDS.operator(ast.BitOr)
def _or_zero(zero: object, range: object) -> OrZero:
    if zero != 0 or not isinstance(range, Float | Whole) or range.low <= 0:
        raise ConfigError("| stands between 0 and a range above 0, as in 0 | log(1e-6, 1e-3).")
    return OrZero(range)


def values(text: str) -> tuple[Any, ...]:
    """Return all values of a choice or of whole numbers."""
    found = parse(text)
    assert isinstance(found, Choice | Whole)  # checked when the space was made
    return found.values


@checked
def fixed(value: str) -> str:
    """Return the expression of one value: ``"0.1"`` is a number, ``"adamw"`` is text."""
    try:
        number: Any = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return repr(value)
    return value if isinstance(number, bool | int | float | str) else repr(value)
