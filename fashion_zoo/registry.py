"""The registry: a dict, a decorator and look-ups. It knows no model and no framework.

Recipes come from three places: the modules of ``fashion_zoo.models``, packages that declare the
entry-point group ``fashion_zoo.recipes`` (each entry names a module that registers on import),
and whatever is imported by hand or with ``load_recipes``.
"""

import contextlib
import dataclasses
import fnmatch
import hashlib
import importlib
import importlib.metadata
import importlib.util
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
from fashion_zoo.language.wording import counted, unknown
from fashion_zoo.spaces import TrainingSpace

GROUP = "fashion_zoo.recipes"
_BUILT_IN = "fashion_zoo.models"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A registered entry of the zoo."""

    name: str
    """The name of the builder function."""
    builder: Callable[..., Any]
    """``builder(config, *, seed, dtype)`` returns a functional ``keras.Model``."""
    config: RunConfig
    """The defaults."""
    summary: str
    """One line: the idea."""
    reference: str
    """The paper or the textbook."""
    parameters: int
    """Trainable parameters with the defaults."""
    tags: tuple[str, ...] = ()
    """What ``find(tag=...)`` looks for."""
    space: Any = None
    """What a search may change: a space of ``fashion_zoo.spaces``."""

    def __repr__(self) -> str:
        training = self.config.training
        return "\n".join(
            [
                f"{self.name}: {self.summary}",
                f"{counted(self.parameters, 'trainable parameter')}; "
                f"{counted(training.epochs, 'epoch')}, {counted(training.batch_size, 'image')} a "
                f"batch, {training.optimizer} at {training.learning_rate:g}",
                self.reference or "no reference",
            ]
        )


_recipes: dict[str, Recipe] = {}
_discovered: set[str] = set()


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
        config: the recipe's defaults.
        parameters: its trainable parameters with these defaults; a test rebuilds and compares.
        reference: the paper or textbook.
        tags: words that ``find(tag=...)`` looks for.
        space: what a search may change, a space of ``fashion_zoo.spaces``; by default what may
            change in any training.

    Raises:
        ConfigError: the name is taken by another function, or the function has no docstring
            (its first line is the recipe's summary).

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
        lines = (builder.__doc__ or "").strip().splitlines()
        if not lines:
            raise ConfigError(f"Recipe {name!r} has no docstring; its first line is the summary.")
        taken = _recipes.get(name)
        # The same cell of a notebook run twice is not a second recipe.
        if taken and _home(taken.builder) != _home(builder):
            raise ConfigError(
                f"Recipe {name!r} is registered already, by {taken.builder.__module__}. "
                "Give the new one another name."
            )
        _recipes[name] = Recipe(
            name,
            builder,
            config,
            lines[0],
            reference,
            parameters,
            _words(tags),
            TrainingSpace() if space is None else space,
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
    tags: str | Iterable[str] = (),
    space: TrainingSpace | None = None,
) -> Recipe:
    """Register a recipe that has another's builder and other defaults.

    Args:
        name: the recipe that it is a variant of, a dot, and its own name: ``"bn_mlp.quick"``.
        changes: what differs in the config, as ``override`` takes it.
        summary: one line: the idea.
        parameters: its trainable parameters; by default those of the other recipe.
        tags: words that ``find(tag=...)`` looks for, beside those of the other recipe.
        space: what a search may change; by default as in the other recipe.

    Raises:
        ConfigError: there is no such recipe to vary, the name has no dot, or ``changes`` do not
            fit.
    """
    base, _, own = name.partition(".")
    if base not in _recipes or not own.isidentifier():
        raise ConfigError(
            f"A variant is named RECIPE.NAME after a registered recipe, received {name!r}."
        )
    varied = _recipes[base]
    _recipes[name] = Recipe(
        name,
        varied.builder,
        override(varied.config, changes),
        summary,
        varied.reference,
        varied.parameters if parameters is None else parameters,
        (*varied.tags, *_words(tags)),
        varied.space if space is None else space,
    )
    return _recipes[name]


def _words(tags: str | Iterable[str]) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)


def _home(builder: Callable[..., Any]) -> tuple[str, str]:
    return builder.__module__, builder.__qualname__


def _discover() -> None:
    if _BUILT_IN not in _discovered:
        importlib.import_module(_BUILT_IN)
        _discovered.add(_BUILT_IN)
        for entry in importlib.metadata.entry_points(group=GROUP):
            try:
                entry.load()
            except Exception as error:  # a broken neighbour must not take the zoo down
                warnings.warn(
                    f"Recipes of {entry.value!r} could not be loaded: {error!r}.", stacklevel=3
                )


@checked
def recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        ConfigError: no such recipe; the message has the nearest name and all names.
    """
    _discover()
    if name not in _recipes:
        raise ConfigError(unknown("recipe", name, _recipes))
    return _recipes[name]


@checked
def list_recipes(pattern: str = "*") -> list[str]:
    """Return the names that match a shell pattern, sorted."""
    _discover()
    return sorted(fnmatch.filter(_recipes, pattern))


@checked
def find(*, max_parameters: int | None = None, tag: str | None = None) -> list[str]:
    """Return the names of the recipes that fit every condition given, sorted.

    Args:
        max_parameters: at most this many trainable parameters.
        tag: carries this tag.

    Raises:
        ConfigError: no recipe carries the tag; the message has all tags.
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
        ConfigError: it is not there, or it fails when imported.
    """
    source = os.fspath(source)
    _discover()  # so that a name taken by a built-in recipe is the file's fault, not ours
    try:
        if source.endswith(".py") or "/" in source:
            return _load_file(Path(source))
        with _on_path(str(Path.cwd())):
            return importlib.import_module(source)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"Cannot import {source!r}: {error!r}.") from error


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"Cannot import {str(path)!r}: there is no such file.")
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    name = f"fashion_zoo_recipes_{path.stem}_{digest}"  # two own.py in two folders are two
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


@contextlib.contextmanager
def _on_path(folder: str):
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
