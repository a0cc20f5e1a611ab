"""What a search is asked for, checked before keras is loaded."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fashion_zoo import spaces, storage
from fashion_zoo.config import Cost, Pruner, Recipe, RunConfig, Sampler
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset
from fashion_zoo.data.batches import steps_per_epoch
from fashion_zoo.data.split import fold_positions
from fashion_zoo.errors import ConfigError, StudyError
from fashion_zoo.language import checks
from fashion_zoo.language.wording import counted
from fashion_zoo.spaces import Parameter, TrainingSpace
from fashion_zoo.spaces.ranges import Float
from fashion_zoo.storage.paths import absolute

_NAMES = {"again", "best.json", "best.keras", "report.html", "report.json"}  # of a study folder


def narrowed(
    entry: Recipe, space: TrainingSpace | Mapping[str, str] | None, config: RunConfig
) -> TrainingSpace:
    """Return the recipe's space with some of its ranges replaced, checked against the config.

    Raises:
        ConfigError: an unknown field, or a range with a value that the config cannot take.
    """
    own = entry.space
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
                space.config(spaces.complete(parameters, {parameter.name: value}), config)
            except ConfigError as error:
                raise ConfigError(
                    f"The search space takes {parameter.name} to {value!r}, which the recipe "
                    f"cannot have. {error}"
                ) from error


def check_algorithms(sampler: Sampler, pruner: Pruner, objectives: int) -> None:
    """Check that sampler and pruner are known, and that the pruner knows so many objectives.

    Raises:
        ConfigError: they are not, or a pruner beside several objectives.
    """
    checks.choice("sampler", sampler, Sampler)
    checks.choice("pruner", pruner, Pruner)
    if objectives > 1 and pruner != "none":
        raise ConfigError(
            f"Several objectives cannot be pruned, received pruner {pruner!r}. Use 'none'."
        )


def check_repetitions(minimize: Sequence[Cost], executions: int, folds: int) -> None:
    """Check what is minimized, and how often a trial is trained."""
    for cost in minimize:
        checks.choice("cost", cost, Cost)
    if len(set(minimize)) < len(minimize):
        raise ConfigError(f"Each cost is minimized once, received {', '.join(minimize)}.")
    checks.whole("executions", executions, 1)
    checks.whole("folds", folds, 0)
    if folds == 1:
        raise ConfigError("folds must be at least 2, or 0 for none; received 1.")


def check_numbers(
    trials: int,
    candidates: int,
    seeds: int,
    seconds: float | None,
    patience: int | None,
    lease: float,
    study_name: str | None,
) -> None:
    """Check how much is searched, and the name, which is a part of paths and URLs."""
    checks.whole("trials", trials, 1)
    checks.whole("candidates", candidates, 0)
    checks.whole("seeds", seeds, 1)
    checks.positive("lease", lease)
    if seconds is not None:
        checks.positive("seconds", seconds)
    if patience is not None:
        checks.whole("patience", patience, 1)
    if study_name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", study_name):
        raise ConfigError(
            "The name of a study has letters, digits, dots, dashes and underscores, received "
            f"{study_name!r}."
        )


def check_images(parameters: Sequence[Parameter], folds: int, dataset: Dataset) -> None:
    """Check that there are images enough for every fold and every batch that may be asked for.

    Args:
        parameters: what a search asks for.
        folds: how many folds of the training images are held out in turn, or 0.
        dataset: the images; they are read only where there are folds.
    """
    count = dataset.count
    if folds:
        known = dataset.train.labels
        if (fewest := int(np.bincount(known).min())) < folds:
            raise ConfigError(
                f"The smallest class has {counted(fewest, 'training image')}, received "
                f"{counted(folds, 'fold')}. Hold out fewer folds, or take more images."
            )
        count = min(len(train) for train, _ in fold_positions(known, folds))
    _check_batches(parameters, count)


def _check_batches(parameters: Sequence[Parameter], count: int) -> None:
    """Check every batch size that may be asked for against the number of training images."""
    for parameter in parameters:
        if parameter.name == "batch_size" and not isinstance(parameter.range, Float):
            largest = max(parameter.range.values)
            try:
                steps_per_epoch(count, largest)  # type: ignore[arg-type]  # the config took it
            except ConfigError as error:
                raise ConfigError(
                    f"The search space takes batch_size to {largest!r}. {error}"
                ) from error


def file_url(file: Path) -> str:
    """Return the URL of a SQLite file, whose path may have any characters."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(file)).render_as_string()


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite URL; None for a server, and for a database in memory.

    Raises:
        StudyError: it is no URL.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        parts = make_url(url)
        kind = parts.get_backend_name()
    except (SQLAlchemyError, ValueError) as error:
        raise StudyError(f"The storage {url!r} cannot be opened: {error}.") from error
    is_file = kind == "sqlite" and parts.database not in (None, "", ":memory:")
    return Path(str(parts.database)) if is_file else None


def absolute_url(url: str) -> str:
    """Return the URL of a storage, a SQLite file seen from the root.

    Raises:
        StudyError: it is no URL.
        StorageError: the file begins at the current folder, and that is gone.
    """
    from sqlalchemy import make_url

    file = file_of(url)
    if file is None or file.is_absolute() or str(file).startswith("file:"):
        return url
    found = make_url(url).set(database=str(absolute(file)))
    return found.render_as_string(hide_password=False)


def check_folder(folder: Path, url: str) -> None:
    """Check that a search may be kept in a folder: it is new, empty, or a study's.

    Args:
        folder: the folder.
        url: of the storage, which may be a file in it.

    Raises:
        StudyError: something else is in it, or the storage has no URL.
        StorageError: it cannot be looked at.
    """
    file, names = file_of(url), {"study.db"}
    if file and file.parent.resolve() == folder.resolve():
        names.add(file.name)
    with storage.as_storage_error(folder):
        if not folder.exists():
            return
        there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if there - _NAMES and not there & names:
        raise StudyError(f"{folder} is not empty and holds no study. Choose another place.")
