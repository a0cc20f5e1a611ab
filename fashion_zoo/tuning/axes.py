"""How Optuna draws KerasTuner's numbers: on the scale of their sampling, and no others.

Optuna draws from linear and logarithmic ranges, and knows steps that are added. KerasTuner also has
steps that multiply, and ``reverse_log``, which is dense at the upper end. Such a hyperparameter is
stored as its value, and drawn on an axis where it is one that Optuna knows.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import optuna
from keras_tuner.engine import hyperparameters
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

Number = hyperparameters.Int | hyperparameters.Float


@dataclasses.dataclass(frozen=True)
class Axis:
    """What a hyperparameter is stored as and what a sampler sees of it."""

    stored: BaseDistribution
    """Of its values."""
    drawn: BaseDistribution
    """Of the places on its axis."""
    value: Callable[[Any], Any]
    """Returns the value at a place."""
    place: Callable[[Any], Any]
    """Returns the place of a value."""

    def seen(self, trial: FrozenTrial, name: str) -> None:
        """Replace the value of a trial that a sampler looks at by its place."""
        trial.params = {**trial.params, name: self.place(trial.params[name])}
        trial.distributions = {**trial.distributions, name: self.drawn}


def axis(hp: Any) -> Axis | None:
    """Return the axis of a hyperparameter; None where Optuna draws it as it is."""
    if not isinstance(hp, Number):
        return None
    stepped = hp.step is not None and hp.sampling != "linear"
    # Optuna's own steps of a float need a range that they divide to the last digit.
    if stepped or (hp.step is not None and isinstance(hp, hyperparameters.Float)):
        return _steps(hp)
    return _mirrored(hp) if hp.sampling == "reverse_log" else None


def _steps(hp: Any) -> Axis:
    """Return the axis of steps that multiply, or of a float: their numbers, each as likely."""
    kind = int if isinstance(hp, hyperparameters.Int) else float
    count = hp._get_n_values()

    def value(number: int) -> Any:
        return kind(hp._get_value_by_index(number))

    def place(one: Any) -> int:
        if hp.sampling == "linear":
            number = (one - hp.min_value) / hp.step
        else:
            from_low = hp.min_value + hp.max_value - one if hp.sampling == "reverse_log" else one
            number = math.log(max(from_low, hp.min_value) / hp.min_value, hp.step)
        return min(max(round(number), 0), count - 1)

    low, high = sorted((value(0), value(count - 1)))
    stored = _range(hp, low, high, log=hp.sampling == "log")
    return Axis(stored, IntDistribution(0, count - 1), value, place)


def _mirrored(hp: Any) -> Axis:
    """Return the axis of ``reverse_log``: a logarithmic range, from the other end."""
    ends = hp.min_value + hp.max_value

    def mirror(value: Any) -> Any:
        return min(max(ends - value, hp.min_value), hp.max_value)  # of floats it may miss by one

    return Axis(
        _range(hp, hp.min_value, hp.max_value),
        _range(hp, hp.min_value, hp.max_value, log=True),
        mirror,
        mirror,
    )


def distribution(hp: Any) -> BaseDistribution | None:
    """Return what a hyperparameter is stored as; None for a fixed one."""
    match hp:
        case hyperparameters.Boolean():
            return optuna.distributions.CategoricalDistribution([False, True])
        case hyperparameters.Choice():
            return optuna.distributions.CategoricalDistribution(hp.values)
        case hyperparameters.Int() | hyperparameters.Float():
            if found := axis(hp):
                return found.stored
            if hp.sampling == "log":
                return _range(hp, hp.min_value, hp.max_value, log=True)
            if hp.step is None:
                return _range(hp, hp.min_value, hp.max_value)
            high = hp.max_value - (hp.max_value - hp.min_value) % hp.step  # else Optuna warns
            return _range(hp, hp.min_value, high, step=hp.step)
        case _:
            return None


def _range(hp: Any, low: Any, high: Any, **options: Any) -> BaseDistribution:
    kind = IntDistribution if isinstance(hp, hyperparameters.Int) else FloatDistribution
    return kind(low, high, **options)
