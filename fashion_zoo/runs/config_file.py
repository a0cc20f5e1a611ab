"""``config.json``: recipe and settings of a run, and how they are read."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Description
from fashion_zoo.errors import ConfigError, Hint, RunError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.registry import recipe
from fashion_zoo.runs.images import parse_description
from fashion_zoo.runs.settings import revived
from fashion_zoo.storage import reading

FORMAT = 2  # 1 did not say what the images were


def is_run(path: Path) -> bool:
    """Whether a run folder is there."""
    try:
        stored = reading.read_json(path / "config.json")
    except ValueError:
        return False
    return isinstance(stored, dict) and {"format", "recipe", "config"} <= stored.keys()


def write_config(file: Path, name: str, config: RunConfig, data: Description | None = None) -> None:
    """Write the config of a run, and what is known of its images, whole or not at all."""
    stored = {"format": FORMAT, "recipe": name, "config": dataclasses.asdict(config)}
    if data is not None:
        stored["data"] = dataclasses.asdict(data)
    storage.write_json(file, stored)


@checked
def read_config(file: AnyPath, name: str) -> RunConfig:
    """Return the config that a file holds, such as a run's config.json or a search's best.json.

    Args:
        file: the file.
        name: the recipe that it must be of.

    Raises:
        RunError: it cannot be read, holds no config, or is of another recipe.
    """
    found, config, _ = parse(Path(file), str(file))
    if found != name:
        raise RunError(f"{file} is a config of {found}, not of {name}.")
    return config


def parse(file: Path, what: str) -> tuple[str, RunConfig, Description | None]:
    """Return the recipe's name, the config, and what a file holds of the images.

    Args:
        file: the file.
        what: what it is, for the messages.

    Raises:
        RunError: it cannot be read, is not one, was written by a newer package, or does not fit
            its recipe.
    """
    stored = read_json(file)
    number, name = stored.get("format"), stored.get("recipe")
    if isinstance(number, int) and number > FORMAT:
        raise RunError(
            f"{what} has format {number}; this package knows formats up to {FORMAT}. "
            "Update fashion_zoo."
        )
    settings = isinstance(stored.get("config"), dict)
    known = type(number) is int and 1 <= number <= FORMAT
    if not known or not settings or not isinstance(name, str):
        raise RunError(f"{file} is not a run's config.")
    try:
        entry = recipe(name)
        config = override(entry.config, revived(entry.config, stored["config"]))
        return entry.name, config, parse_description(file, stored)
    except ConfigError as error:
        raise RunError(
            f"{what} cannot be opened: ",
            error,
            " If the recipe is your own, load its file first, with ",
            Hint("load_recipes"),
            ".",
        ) from error
    except (KeyError, TypeError, ValueError) as error:  # of a family of one's own
        raise RunError(
            f"{what} cannot be opened: its settings do not fit {name}: "
            f"{type(error).__name__}: {error}."
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        RunError: it is missing, damaged or something else.
    """
    try:
        value = reading.read_json(path)
        # A path that is not UTF-8 has surrogates of its own; no others can be encoded again.
        json.dumps(value, ensure_ascii=False).encode(errors="surrogateescape")
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged: expected a JSON object.")
    return value
