"""Search spaces: the hyperparameters of a recipe, as data beside its defaults.

A space is a frozen dataclass of ranges as text, one field per hyperparameter, from which flags are
made like those of a config. It returns the hyperparameters with their conditions, and the config
for given values.
"""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fashion_zoo import optimizers
from fashion_zoo.augment import policies
from fashion_zoo.config import RunConfig, SchedulesConfig, live
from fashion_zoo.config.overrides import override
from fashion_zoo.errors import ConfigError
from fashion_zoo.spaces import ranges
from fashion_zoo.spaces.ranges import Choice, Float, OrZero, Range, Value, Whole

Condition = tuple[str, tuple[Value, ...]]

_OPTIONAL = ("clipping", "averaging", "accumulation")
"""Fields of a space that are empty by default."""


class Parameter(NamedTuple):
    """A hyperparameter of a search."""

    name: str
    range: Range
    default: Any
    """The value of the recipe, or the nearest one in the range."""
    when: tuple[Condition, ...] = ()
    """Conditions: names of earlier parameters, with the values for which this one is active."""


def is_active(parameter: Parameter, values: Mapping[str, Any]) -> bool:
    """Return whether a parameter is active, given the values of those before it."""
    return all(values.get(name) in allowed for name, allowed in parameter.when)


def counting(parameters: Sequence[Parameter], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the active parameters, in order: those chosen, or the defaults."""
    values: dict[str, Any] = {}
    for parameter in parameters:
        if is_active(parameter, values):
            values[parameter.name] = chosen.get(parameter.name, parameter.default)
    return values


@dataclasses.dataclass(frozen=True)
class TrainingSpace:
    """The search space of the training of any recipe."""

    optimizer: str = "choice('adam', 'adamw', 'sgd')"
    """Optimizer."""
    learning_rate: str = "log(3e-4, 3e-2)"
    """Base learning rate."""
    learning_rate_schedule: str = "choice('one_cycle', 'cosine', 'linear', 'constant')"
    """Schedule of the learning rate."""
    weight_decay: str = "0 | log(1e-3, 1e-1)"
    """Decoupled weight decay, for optimizers that have it."""
    batch_size: str = "choice(128, 256, 512)"
    """Images per step."""
    label_smoothing: str = "choice(0.0, 0.05, 0.1)"
    """Fraction of each label spread evenly over all classes."""
    augmentation: str = "choice('none', 'flip', 'light', 'standard')"
    """Augmentation of each batch."""
    augmentation_strength: str = "uniform(0.2, 1)"
    """Strength of the augmentation, if there is one."""
    mixing: str = "choice('none', 'mixup(0.2)', 'cutmix(1, 0.5)')"
    """Mixing of images, after the augmentation."""
    clipping: str = ""
    """Clipping of the gradient; empty leaves that of the recipe."""
    averaging: str = ""
    """Average of the weights; empty leaves that of the recipe."""
    accumulation: str = ""
    """Steps of an update; empty leaves that of the recipe."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            text = getattr(self, field.name)
            if text == field.default == "":
                continue
            try:
                found = ranges.parse(text)
            except ConfigError as error:
                raise ConfigError(
                    f"space.{field.name}: {error} A value that is a text has quotes of its own, as "
                    "in \"'adam'\"."
                ) from error
            default = field.default
            usual = ranges.parse(default) if isinstance(default, str) and default else None
            if not _is_discrete(usual):
                continue
            if not isinstance(found, Choice | Whole):
                raise ConfigError(
                    f"space.{field.name} must be choice(...) or whole(low, high), received "
                    f"{text!r}."
                )
            if isinstance(usual, Whole) and any(type(one) is not int for one in found.values):
                raise ConfigError(
                    f"space.{field.name} must be of whole numbers, received {text!r}."
                )

    def parameters(self, config: RunConfig) -> list[Parameter]:
        """Return the parameters in order, with the values of the config as defaults."""
        questions, training = Questions(self), config.training
        questions.add("optimizer", training.optimizer)
        questions.add("learning_rate", training.learning_rate)
        questions.add("learning_rate_schedule", training.schedules.learning_rate)
        questions.add("weight_decay", training.weight_decay, {"optimizer": decays})
        questions.add("batch_size", training.batch_size)
        questions.add("label_smoothing", training.label_smoothing)
        augmentation, mixing = self._apart(training.augmentation)
        questions.add("augmentation", augmentation)
        questions.add("augmentation_strength", 1.0, {"augmentation": policies.parse})
        still = {"augmentation": lambda text: not policies.mixes(policies.parse(text))}
        questions.add("mixing", mixing, still)
        for name in _OPTIONAL:
            if getattr(self, name):
                questions.add(name, getattr(training, name))
        return questions.parameters

    def _apart(self, policy: str) -> tuple[str, str]:
        """Split a policy into augmentation and mixing, such that both are in their ranges."""
        for augmentation in ranges.values(self.augmentation):
            for mixing in ("none", *ranges.values(self.mixing)):
                with contextlib.suppress(ConfigError):  # ``narrowed`` raises it with the name
                    if policies.parse(_joined(augmentation, mixing)) == policies.parse(policy):
                        return augmentation, mixing
        return policy, "none"

    def config(self, values: Mapping[str, Any], base: RunConfig) -> RunConfig:
        """Return the config with the values of the active parameters."""
        # An expression cannot hold the repr() of a NumPy number.
        own = {name: ranges.plain(value) for name, value in values.items()}
        return override(base, self.changes(own, base))

    def changes(self, values: Mapping[str, Any], base: RunConfig) -> dict[str, Any]:
        """Return the overrides of the config; the space of a family adds those of ``model``."""
        augmentation = _joined(values["augmentation"], values.get("mixing", "none"))
        training: dict[str, Any] = {
            "optimizer": values["optimizer"],
            "learning_rate": values["learning_rate"],
            "weight_decay": values.get("weight_decay", 0.0),
            "batch_size": values["batch_size"],
            "label_smoothing": values["label_smoothing"],
            "augmentation": augmentation,
            **{name: values[name] for name in _OPTIONAL if name in values},
        }
        moving = {"learning_rate": values["learning_rate_schedule"]}
        strength = values.get("augmentation_strength", 1.0)
        if strength != 1:
            moving["augmentation"] = f"constant({strength!r})"
        still = override(base.training, {**training, "schedules": SchedulesConfig()})
        moving |= dict.fromkeys(live.idle(still), live.CONSTANT)  # those are refused
        return {"training": {**training, "schedules": moving}}


class Questions:
    """Collects the parameters of a space."""

    def __init__(self, space: TrainingSpace, before: list[Parameter] | None = None):
        self.space = space
        self.parameters = list(before or [])

    def add(self, field: str, default: Any, when=None, *, number: int | None = None) -> None:
        """Add a field of the space; ``when`` maps earlier parameters to tests of their values."""
        found = ranges.parse(getattr(self.space, field))
        name = field if number is None else f"{field}_{number}"
        when = dict(when or {})
        if isinstance(found, OrZero):
            if number is None:  # fields of layers share one switch
                self.append(f"use_{name}", Choice((False, True)), bool(default), when)
                when[f"use_{name}"] = bool
            found = found.range
        self.append(name, found, default, when)

    def append(self, name: str, range: Range, default: Any, when=None) -> None:
        """Add a parameter, unless it is active for no value of the earlier ones."""
        conditions = []
        for parent, test in (when or {}).items():
            ranges_of = {one.name: one.range for one in self.parameters}
            possible = ranges_of.get(parent, Choice(()))
            assert not isinstance(possible, Float)  # checked when the space was made
            allowed = tuple(value for value in possible.values if test(value))
            if not allowed:
                return
            if allowed != possible.values:
                conditions.append((parent, allowed))
        self.parameters.append(Parameter(name, range, range.nearest(default), tuple(conditions)))


def _is_discrete(usual: Range | OrZero | None) -> bool:
    """Whether a field, by its default, is discrete, so that others may depend on it."""
    return isinstance(usual, Choice | Whole) and type(usual.values[0]) is not float


def decays(optimizer: str) -> bool:
    """Return whether an optimizer has decoupled weight decay."""
    try:
        return optimizers.WORDS.parse(optimizer).decays
    except ConfigError:  # the check of the config raises it with the name of the parameter
        return False


def _joined(augmentation: str, mixing: str) -> str:
    return " | ".join(part for part in (augmentation, mixing) if part != "none") or "none"


def complete(parameters: Sequence[Parameter], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all active parameters: those wanted, else the defaults.

    Parameters on which a wanted one depends take the first value for which it is active.
    """
    chosen = dict(wanted)
    for parameter in reversed(parameters):
        if parameter.name in chosen:
            for name, allowed in parameter.when:
                default = next(one.default for one in parameters if one.name == name)
                chosen.setdefault(name, default if default in allowed else allowed[0])
    return counting(parameters, chosen)
