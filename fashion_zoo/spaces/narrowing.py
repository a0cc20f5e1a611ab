"""A recipe's space with some of its ranges replaced, checked before keras is loaded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.wording import counted
from fashion_zoo.spaces.ranges import Float
from fashion_zoo.spaces.space import Parameter, TrainingSpace, complete

if TYPE_CHECKING:
    from fashion_zoo.data import Dataset


def narrowed(
    own: TrainingSpace, space: TrainingSpace | Mapping[str, str] | None, config: RunConfig
) -> TrainingSpace:
    """Return a recipe's space with some of its ranges replaced, checked against the config.

    Raises:
        ConfigError: an unknown field, or a range with a value that the config cannot take.
    """
    if isinstance(space, TrainingSpace):
        own = space
    elif space:
        own = override(own, space, "the space")
    check_space(own, config)
    return own


def check_space(space: TrainingSpace, config: RunConfig) -> None:
    """Check that the config takes both ends of each range, and every value of a choice.

    Raises:
        ConfigError: it does not; the message has the parameter and the value.
    """
    parameters = space.parameters(config)
    for parameter in parameters:
        found = parameter.range
        ends = (found.low, found.high) if isinstance(found, Float) else found.values
        for value in ends:
            try:
                space.config(complete(parameters, {parameter.name: value}), config)
            except ConfigError as error:
                raise ConfigError(
                    f"The search space takes {parameter.name} to {value!r}, which the recipe "
                    f"cannot have. {error}"
                ) from error


def check_images(parameters: Sequence[Parameter], folds: int, dataset: "Dataset") -> None:
    """Check that there are images enough for every fold and every batch that may be asked for.

    The images are read only where there are folds.
    """
    from fashion_zoo.data.batches import fold_positions  # numpy, for which help need not wait

    count = dataset.count
    if folds:
        known = dataset.train.labels
        if (fewest := min(Counter(known.tolist()).values())) < folds:
            raise ConfigError(
                f"The smallest class has {counted(fewest, 'training image')}, received "
                f"{counted(folds, 'fold')}. Hold out fewer folds, or take more images."
            )
        count = min(len(train) for train, _ in fold_positions(known, folds))
    _check_batches(parameters, count)


def _check_batches(parameters: Sequence[Parameter], count: int) -> None:
    """Check every batch size that may be asked for against the number of training images."""
    from fashion_zoo.data.batches import steps_per_epoch

    for parameter in parameters:
        if parameter.name == "batch_size" and not isinstance(parameter.range, Float):
            largest = max(parameter.range.values)
            try:
                steps_per_epoch(count, largest)  # type: ignore[arg-type]  # the config took it
            except ConfigError as error:
                raise ConfigError(
                    f"The search space takes batch_size to {largest!r}. {error}"
                ) from error
