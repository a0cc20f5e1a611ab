"""A search space checked against a config and its images, before anything is trained."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fashion_zoo.augment import policies
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.language.wording import counted
from fashion_zoo.spaces.ranges import Choice, Float
from fashion_zoo.spaces.space import Parameter, TrainingSpace, complete

if TYPE_CHECKING:
    from fashion_zoo.data import Dataset


def narrowed(
    own: TrainingSpace, space: TrainingSpace | Mapping[str, str] | None, config: RunConfig
) -> TrainingSpace:
    """Return a recipe's space with some ranges replaced, checked against the config.

    Raises:
        ConfigError: if a field is unknown, the config does not allow a value of a range, or it asks
            for what only a single training writes.
    """
    for hint in (Hint("training.tensorboard", False), Hint("training.profile", False)):
        if getattr(config.training, hint.setting.removeprefix("training.")):
            raise ConfigError(
                f"{hint.setting} is for a single training; a search has no folder for each of its "
                "trials. Set ", hint, ".",
            )  # fmt: skip
    own = space if isinstance(space, TrainingSpace) else override(own, space or {}, "the space")
    parameters = own.parameters(config)
    try:
        own.config(complete(parameters, {}), config)
    except ConfigError as error:
        raise ConfigError(f"The search space does not fit the recipe. {error}") from error
    for parameter in parameters:
        found = parameter.range
        for value in (found.low, found.high) if isinstance(found, Float) else found.values:
            try:
                own.config(complete(parameters, {parameter.name: value}), config)
            except ConfigError as error:
                raise ConfigError(
                    f"The search space takes {parameter.name} to {value!r}, which the recipe "
                    f"cannot have. {error}"
                ) from error
    return own


def check_images(
    parameters: Sequence[Parameter], config: RunConfig, folds: int, dataset: "Dataset"
) -> None:
    """Check that the images can be augmented, and that they suffice for the folds and each update.

    They are read only if there are folds.
    """
    from fashion_zoo.data.batches import fold_positions, steps_per_epoch

    _check_policies(parameters, dataset.image_shape)
    count, accumulation = dataset.count, config.training.accumulation
    for parameter in parameters:
        if parameter.name == "accumulation" and not isinstance(parameter.range, Float):
            accumulation = max(map(int, parameter.range.values))  # the config took them
    if folds:
        known = dataset.train.labels
        if (fewest := min(Counter(known.tolist()).values())) < folds:
            raise ConfigError(
                f"The smallest class has {counted(fewest, 'training image')}, received "
                f"{counted(folds, 'fold')}. Hold out fewer folds, or take more images."
            )
        count = min(len(train) for train, _ in fold_positions(known, folds))
    for parameter in parameters:
        if parameter.name == "batch_size" and not isinstance(parameter.range, Float):
            largest = max(parameter.range.values)
            try:
                steps_per_epoch(count, largest, accumulation)  # type: ignore[arg-type]  # checked
            except ConfigError as error:
                sizes = [one for one in parameter.range.values if isinstance(one, int)]
                room = count // accumulation
                fitting = (one for one in sizes if one <= room)
                best = max(fitting, default=2 ** max(room.bit_length() - 3, 0))
                raise ConfigError(
                    f"The search space takes batch_size to {largest!r}. ",
                    error,
                    " Set ",
                    Hint("space", {"batch_size": repr(best)}),
                    ".",
                ) from error


def _check_policies(parameters: Sequence[Parameter], shape: tuple[int, ...]) -> None:
    refused: dict[str, policies.Policy] = {}
    for parameter in parameters:
        if parameter.name in ("augmentation", "mixing") and isinstance(parameter.range, Choice):
            for text in parameter.range.values:
                policy = policies.parse(str(text))
                try:
                    policies.check_size(policy, shape)
                except ConfigError:
                    refused.setdefault(parameter.name, policy)
    for policy in refused.values():  # those of all parameters in one proposal
        instead = Hint("space", dict.fromkeys(refused, "'none'"))
        policies.check_size(policy, shape, instead)
