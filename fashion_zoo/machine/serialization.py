"""Registration of this package's classes, once a program imports Keras.

Keras loads a file only if the classes that it names are registered, which importing their modules
does. ``import fashion_zoo`` must not import a framework for that.
"""

import contextlib
import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Modules of this package that register classes.
_MODULES = ("layers", "optimizers._build", "optimizers._momentum")

_around: Callable[[Callable[[], None]], None] | None = None


def register_with_keras() -> None:
    """Register the classes now if Keras is imported already, or else once it is."""
    if sys.modules.get("keras") is not None:
        _register()
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


def when_keras_starts(around: Callable[[Callable[[], None]], None]) -> None:
    """Wrap the import of Keras, or call ``around`` now if Keras is loaded already.

    The library checks its arguments before it imports Keras, which takes seconds; so a command
    cannot show that it waits by importing Keras itself.

    Args:
        around: takes a function that loads Keras, and calls it; it replaces an earlier one.

    Raises:
        ConfigError: if it is not a function.
    """
    if not callable(around):
        from fashion_zoo.errors import ConfigError  # not at the import of the package

        raise ConfigError(f"when_keras_starts takes a function, received {around!r}.")
    global _around
    if "keras" in sys.modules:
        around(lambda: None)
    else:
        _around = around


def _register() -> None:
    # An error here must not break the import of Keras.
    with contextlib.suppress(Exception):
        for name in _MODULES:
            importlib.import_module(f"fashion_zoo.{name}")


class _KerasFinder:
    """Find Keras by the other finders, and register the classes after its import.

    It stays in ``sys.meta_path``: another thread may be iterating over that list, and would miss
    a finder if one before it were removed. It has no base class: importing importlib.abc takes as
    long as all the rest.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "keras":
            return None
        for finder in list(sys.meta_path):  # another finder may remove itself
            if isinstance(finder, _KerasFinder) or not hasattr(finder, "find_spec"):
                continue
            if (spec := finder.find_spec(fullname, path, target)) is not None:
                if spec.loader is not None:
                    loader: Any = _KerasLoader(spec.loader)  # a loader in all but its base class
                    spec.loader = loader
                return spec
        return None


class _KerasLoader:
    """Load Keras by its own loader, and restore that one."""

    def __init__(self, loader: Any):
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        global _around
        load, around, _around = functools.partial(self.loader.exec_module, module), _around, None
        around(load) if around else load()
        _register()
