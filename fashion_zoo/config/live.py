"""The table of live values: the scalars that a schedule may move while a compiled graph runs."""

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from fashion_zoo import schedules
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.vocabulary import Words
from fashion_zoo.language.wording import listed

if TYPE_CHECKING:
    from fashion_zoo.config.training import TrainingConfig

CONSTANT = "constant"  # the schedule that leaves a value at its base
_MOMENT = 1e-6  # of a training, shorter than any step


class Live(NamedTuple):
    """A live value."""

    moves: str
    """Description for the docs."""
    part: Literal["optimizer", "pipeline", "dropout"]
    """What applies it; optimizer and pipeline take it as the argument of its name."""
    base: "Callable[[TrainingConfig], float]"
    """The base value; 0 if there is none to move."""
    idle: str = ""
    """Why a schedule has no effect if the base is 0."""
    others: Callable[[], str] = str
    """Returns a sentence on settings with a base above 0; by default none."""
    largest: float = math.inf
    """Limit of base times schedule."""
    reached: bool = True
    """Whether the limit itself is allowed."""


def _with_momentum() -> list[str]:
    words = Words("fashion_zoo.optimizers").load().bare()
    return [word for word, optimizer in words.items() if optimizer.momentum]


LIVE = {
    "learning_rate": Live("the learning rate", "optimizer", attrgetter("learning_rate")),
    "weight_decay": Live(
        "the weight decay", "optimizer", attrgetter("weight_decay"), "weight_decay is 0"
    ),
    "momentum": Live(
        "the momentum of the optimizer, which Adam calls beta_1",
        "optimizer",
        lambda training: Words("fashion_zoo.optimizers").parse(training.optimizer).momentum,
        "the optimizer has no momentum that can move",
        others=lambda: f" That of {listed(_with_momentum())} can.",
        largest=1.0,
        reached=False,
    ),
    "label_smoothing": Live(
        "the label smoothing",
        "pipeline",
        attrgetter("label_smoothing"),
        "label_smoothing is 0",
        largest=1.0,
        reached=False,
    ),
    "augmentation": Live(
        "the strength of the augmentation",
        "pipeline",
        lambda training: float(bool(training.policy)),
        "augmentation is none",
        largest=1.0,
    ),
    "mixing": Live(
        "the probability with which the augmentation mixes images",
        "pipeline",
        lambda training: float(any(one.mixes for one in training.policy)),
        "augmentation mixes no images",
        largest=1.0,
    ),
    # The rates are those of the model, so their limits are checked where training begins.
    "dropout": Live("every dropout rate of the model", "dropout", lambda training: 1.0),
}
"""Field of ``SchedulesConfig`` to the value that it moves, per step (dropout: ``dropout_each``)."""


def check(training: "TrainingConfig") -> None:
    """Check that every schedule has an effect, and takes no value above its limit."""
    for name, live in LIVE.items():
        text, base = getattr(training.schedules, name), live.base(training)
        if text == CONSTANT:
            continue
        if not base:
            raise ConfigError(
                f"schedules.{name} {text!r} moves nothing: {live.idle}.{live.others()} Change "
                "that, or leave the schedule out."
            )
        if live.largest == math.inf:
            continue  # a thousand points take longer than all other checks
        highest = base * max(points(text))
        if highest > live.largest or (highest == live.largest and not live.reached):
            limit = f"{'at most' if live.reached else 'below'} {live.largest:g}"
            raise ConfigError(
                f"schedules.{name} takes {name} to {highest:g}; it must stay {limit}."
            )


def points(text: str) -> list[float]:
    """Return the values of a schedule at progress 0, 0.001, ..., 1."""
    schedule = schedules.get(text)
    return [schedule(n / 1000) for n in range(1001)]


def rises(text: str, at: Sequence[float]) -> bool:
    """Return whether a schedule rises at each of some fractions of the training, at once."""
    schedule = schedules.get(text)
    return all(schedule(place - _MOMENT) < schedule(place + _MOMENT) for place in at)


def idle(training: "TrainingConfig") -> list[str]:
    """Return the names of the values that no schedule can move."""
    return [name for name, live in LIVE.items() if not live.base(training)]
