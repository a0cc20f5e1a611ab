"""The registry of recipes: a dictionary, a decorator and look-ups.

Recipes come from the modules of ``fashion_zoo.models``, from installed packages with entry points
in the group ``fashion_zoo.recipes`` (each names a module that registers recipes when imported), and
from modules imported by the user or with ``load_recipes``.
"""

import dataclasses
import fnmatch
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.language.vocabulary import check_new
from fashion_zoo.language.wording import counted, unknown
from fashion_zoo.spaces import TrainingSpace


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A registered recipe."""

    name: str
    """The name of the builder function."""
    builder: Callable[..., Any]
    """``builder(config, *, seed, dtype)`` returns a functional ``keras.Model``."""
    config: RunConfig
    """The default settings."""
    summary: str
    """The idea in one line."""
    reference: str
    """The paper or textbook."""
    parameters: int
    """Trainable parameters with the defaults."""
    tags: tuple[str, ...] = ()
    """Tags for ``find(tag=...)``."""
    space: Any = None
    """The search space, one of ``fashion_zoo.spaces``."""

    def __repr__(self) -> str:
        training = self.config.training
        return (
            f"{self.name}: {self.summary}\n"
            f"{counted(self.parameters, 'trainable parameter')}; "
            f"{counted(training.epochs, 'epoch')}, {counted(training.effective_batch, 'image')} a "
            f"batch, {training.optimizer} at {training.learning_rate:g}\n"
            f"{self.reference or 'no reference'}"
        )


_recipes: dict[str, Recipe] = {}
_FILE = "fashion_zoo_recipes_"  # begins the names of modules of files


@checked
def register(
    config: RunConfig,
    *,
    parameters: int,
    reference: str = "",
    tags: str | Iterable[str] = (),
    space: TrainingSpace | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a builder under its function's name.

    Args:
        config: the default settings.
        parameters: number of trainable parameters with these settings.
        reference: the paper or textbook.
        tags: tags for ``find(tag=...)``.
        space: the search space, one of ``fashion_zoo.spaces``; by default that of any training.

    Raises:
        ConfigError: if the name is taken by another function, or the function has no docstring,
            whose first line is the summary of the recipe.

    Example:
        ```python
        @register(RunConfig(model=MLPConfig(hidden_units=(32,))), parameters=25_450)
        def tiny_mlp(config, *, seed, dtype):
            \"\"\"One hidden layer.\"\"\"
            return mlp(config, name="tiny_mlp", seed=seed, dtype=dtype)
        ```
    """

    def decorate(builder: Callable[..., Any]) -> Callable[..., Any]:
        name = builder.__name__
        check_new("recipe", name, builder, getattr(_recipes.get(name), "builder", None))
        summary = inspect.cleandoc(builder.__doc__ or "").partition("\n")[0]
        whole = space or TrainingSpace()
        _recipes[name] = Recipe(
            name, builder, config, summary, reference, parameters, _tags(tags), whole
        )
        return builder

    return decorate


@checked
def register_variant(
    name: str,
    changes: Mapping[str, Any],
    *,
    summary: str,
    parameters: int | None = None,
    reference: str | None = None,
    tags: str | Iterable[str] | None = None,
    space: TrainingSpace | None = None,
) -> Recipe:
    """Register a recipe with the builder of another one and other defaults.

    Args:
        name: the name of the other recipe, a dot, and its own: ``"bn_mlp.quick"``.
        changes: the changes of the config, as for ``override``.
        summary: the idea in one line.
        parameters: number of trainable parameters; by default that of the other recipe.
        reference: the paper or textbook; by default that of the other recipe.
        tags: tags for ``find(tag=...)``; by default those of the other recipe.
        space: the search space; by default that of the other recipe.

    Raises:
        ConfigError: if there is no such recipe, the name has no dot or is taken by a recipe with
            other settings, or ``changes`` do not fit.
    """
    base, _, own = name.partition(".")
    if base not in _recipes or not own.isidentifier():
        raise ConfigError(
            f"A variant is named RECIPE.NAME after a registered recipe, received {name!r}."
        )
    varied = _recipes[base]
    variant = dataclasses.replace(
        varied,
        name=name,
        config=override(varied.config, changes),
        summary=summary,
        parameters=varied.parameters if parameters is None else parameters,
        reference=varied.reference if reference is None else reference,
        tags=varied.tags if tags is None else _tags(tags),
        space=space or varied.space,
    )
    known = _recipes.get(name, variant)
    if (known.builder, known.config) != (variant.builder, variant.config):
        raise ConfigError(
            f"Recipe {name!r} is registered already, with other settings. Give the new one another "
            "name."
        )
    _recipes[name] = variant
    return variant


def _tags(tags: str | Iterable[str]) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)


@functools.cache
def _entry_points() -> list[importlib.metadata.EntryPoint]:
    """Return those that are not loaded yet."""
    return list(_declared())


def _declared() -> Iterable[importlib.metadata.EntryPoint]:
    return importlib.metadata.entry_points(group="fashion_zoo.recipes")


def _discover() -> None:
    importlib.import_module("fashion_zoo.models")
    entries = _entry_points()
    while entries:  # the module of one may ask for recipes while it is imported
        entry = entries.pop(0)
        try:
            entry.load()
        except Exception as error:  # the other recipes can still be used
            text = f"Recipes of {entry.value!r} could not be loaded: {error!r}."
            warnings.warn(text, stacklevel=3)


@checked
def recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        ConfigError: if there is no such recipe; the message has the nearest name and all names.
    """
    _discover()
    if name not in _recipes:
        raise ConfigError(unknown("recipe", name, _recipes))
    return _recipes[name]


def source_of(entry: Recipe) -> str | None:
    """Return what ``load_recipes`` takes to register a recipe; None if it is found by itself.

    A variant is where the function of its builder is. Of a file it is the name without its folder.
    """
    module = entry.builder.__module__
    found = {one.value.partition(".")[0] for one in _declared()} | {"fashion_zoo", "__main__"}
    if module.partition(".")[0] in found:
        return None
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).name if file and module.startswith(_FILE) else module


@checked
def list_recipes(pattern: str = "*") -> list[str]:
    """Return the sorted names that match a shell pattern."""
    _discover()
    return sorted(fnmatch.filter(_recipes, pattern))


@checked
def find(*, max_parameters: int | None = None, tag: str | None = None) -> list[str]:
    """Return the sorted names of the recipes that meet every condition.

    Args:
        max_parameters: largest number of trainable parameters.
        tag: a tag that the recipe has.

    Raises:
        ConfigError: if no recipe has the tag; the message has all tags.
    """
    known = [recipe(name) for name in list_recipes()]
    tags = {word for entry in known for word in entry.tags}
    if tag is not None and tag not in tags:
        raise ConfigError(unknown("tag", tag, tags))
    return [
        entry.name
        for entry in known
        if (max_parameters is None or entry.parameters <= max_parameters)
        and (tag is None or tag in entry.tags)
    ]


@checked
def load_recipes(source: AnyPath) -> ModuleType:
    """Import a file or a module that registers recipes.

    Args:
        source: path of a Python file, or dotted name of a module.

    Raises:
        ConfigError: if it does not exist, or its import fails.
    """
    source = os.fspath(source)
    _discover()  # first, so that a file cannot take the name of a built-in recipe
    try:
        if source.endswith(".py") or "/" in source:
            return _load_file(Path(source))
        sys.path.insert(0, folder := str(Path.cwd()))
        try:
            return importlib.import_module(source)
        finally:
            if folder in sys.path:
                sys.path.remove(folder)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"Cannot import {source!r}: {error!r}.") from error


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"Cannot import {str(path)!r}: there is no such file.")
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    name = f"{_FILE}{path.stem}_{digest}"  # own.py in two folders
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"Cannot import {str(path)!r}: it is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
