"""Settings under the names that they had in older versions, in what those versions stored."""

import ast
import contextlib
import functools
from collections.abc import Mapping
from typing import Any, TypeVar

from fashion_zoo.errors import ConfigError

RENAMED = {
    "data": {"dataset": "source"},
    "model": {"groups": "normalization, as in 'group(32)'"},
    "training": {"clip_norm": "clipping, as in 'global_norm(1)'"},
}
"""Section of a config to its older names and those of today."""
_SECTIONS = {"DataConfig": "data", "MLPConfig": "model", "TrainingConfig": "training"}
_ARRAYS = {"validation": 0.1, "test": 0.2, "seed": 0}  # arguments that the word arrays had
_UNREADABLE = (SyntaxError, ValueError, TypeError, AttributeError, RecursionError, MemoryError)

Class = TypeVar("Class", bound=type)


def check_name(kind: type, name: str) -> None:
    """Raise ConfigError with the name of today if a field of a config had this one."""
    section = _SECTIONS.get(kind.__name__, "")
    if now := RENAMED.get(section, {}).get(name):
        raise ConfigError(f"{section}.{name} is now {section}.{now}. Set that.")


def answering(kind: Class) -> Class:
    """Decorate a config dataclass to answer a keyword that is an older name."""
    made = kind.__init__  # type: ignore[misc]  # of this class, not of an instance

    @functools.wraps(made)
    def init(self, *args: Any, **settings: Any) -> None:
        for name in settings:
            check_name(kind, name)
        made(self, *args, **settings)

    kind.__init__ = init  # type: ignore[misc]  # as above
    return kind


def current(config: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored section of a config, of the class of ``config``, with the names of today."""
    section = _SECTIONS.get(type(config).__name__, "")
    old = RENAMED.get(section, {}).keys() & stored.keys()
    return _CURRENT[section](stored) if old else dict(stored)


def _data_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return data whose source was a dataset."""
    found = {"source" if name == "dataset" else name: one for name, one in stored.items()}
    if str(stored["dataset"]).startswith("arrays"):
        with contextlib.suppress(*_UNREADABLE):  # an edited file is refused later
            return {**found, **_split_of(stored["dataset"])}
    return found


def _model_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model whose groups were a setting, and whose usual initializer was He's for all."""
    found = {name: value for name, value in stored.items() if name != "groups"}
    if found.get("normalization") == "group" and stored["groups"] != 32:
        found["normalization"] = f"group({stored['groups']})"
    initializer, others = found.get("kernel_initializer"), ("leaky_relu", "selu")
    if initializer == "he_normal" and found.get("activation") not in others:
        found["kernel_initializer"] = "auto"  # which is the same there
    return found


def _training_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a training whose clipping was a number, the largest global norm."""
    found = {name: value for name, value in stored.items() if name != "clip_norm"}
    limit = stored["clip_norm"]
    return {"clipping": "none" if limit is None else f"global_norm({limit!r})", **found}


_CURRENT = {"data": _data_of, "model": _model_of, "training": _training_of}


def _split_of(text: str) -> dict[str, Any]:
    """Return the settings of arrays that were arguments: ``arrays(0.2, seed=3)``."""
    node = ast.parse(text, mode="eval").body
    given: dict[str, Any] = {}
    if isinstance(node, ast.Call):
        given = {name: ast.literal_eval(one) for name, one in zip(_ARRAYS, node.args, strict=False)}
        given |= {str(one.arg): ast.literal_eval(one.value) for one in node.keywords}
    return {"source": "arrays(apart=True)", **_ARRAYS, **given}
