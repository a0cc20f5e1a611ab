"""Keras is started when it is first needed, and what its start does is wrapped here."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


class AtFirstImport(importlib.abc.MetaPathFinder):
    """Run something around the first import of a module, whoever imports it.

    A command could import keras itself before it calls the library, but then a wrong value would
    be answered only after the seconds that this takes: the library checks first and imports later.

    Args:
        name: the module.
        around: takes what executes the module, and calls it.
    """

    def __init__(self, name: str, around: Callable[[Callable[[], Any]], Any]):
        self.name = name
        self.around = around

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the module as the others do, and wrap its execution."""
        if name != self.name:
            return None
        self.remove()
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: self.around(  # type: ignore[method-assign]
            lambda: execute(module)
        )
        return spec

    def install(self) -> None:
        """Wait for the import, in the place of an earlier one that waits for the same module."""
        for other in list(sys.meta_path):
            if isinstance(other, AtFirstImport) and other.name == self.name:
                other.remove()
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Wait no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
