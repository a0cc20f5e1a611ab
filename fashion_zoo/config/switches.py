"""Parts of a training that a setting of theirs switches on."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from fashion_zoo.config.digest import default
from fashion_zoo.errors import ConfigError, Hint

if TYPE_CHECKING:
    from fashion_zoo.config.training import TrainingConfig


class Switched:
    """A part of the config whose settings have an effect only while it is on."""

    switch: ClassVar[tuple[str, Any, Any]]
    """The field that switches it, the value of that field for off, and one for on."""
    apart: ClassVar[tuple[str, ...]] = ()
    """Fields that have an effect by themselves."""


def check_switches(training: "TrainingConfig") -> None:
    """Check that no setting was changed in a part that is off, where it would be ignored.

    Not when a config is made: there, one change follows another.
    """
    for field in dataclasses.fields(training):
        part = getattr(training, field.name)
        if not isinstance(part, Switched):
            continue
        name, off, on = part.switch
        if getattr(part, name) != off:
            continue
        for one in dataclasses.fields(part):  # type: ignore[arg-type]  # each is a dataclass
            value, usual = getattr(part, one.name), default(one)
            if one.name not in (name, *part.apart) and value != usual:
                place = f"training.{field.name}"
                raise ConfigError(
                    f"{field.name}.{one.name} {value!r} has no effect while {field.name}.{name} is "
                    f"{off!r}. Set ",
                    Hint(f"{place}.{name}", on),
                    f", or leave {one.name} at {usual!r}.",
                )
    _check_views(training)


def _check_views(training: "TrainingConfig") -> None:
    """Check that images are augmented, if a teacher is to keep its logits for views of them."""
    views = training.distillation.views
    if views and not training.policy:
        raise ConfigError(
            f"distillation.views {views!r} has no effect while augmentation is "
            f"{training.augmentation!r}: then an image has one view, and its logits are kept. Set ",
            Hint("training.augmentation", "standard"),
            ", or leave views at 0.",
        )
