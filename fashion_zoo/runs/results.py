"""Checks of the JSON files of a run, which may have been edited, and the results kept in it.

A ``Result`` is made from a trained model. Its class is defined where it is made, and registered
here, so that a run can read and remove it without an import of what makes it.
"""

from pathlib import Path
from typing import Any, ClassVar

from fashion_zoo.errors import RunError
from fashion_zoo.language.vocabulary import Vocabulary

_WORDS: dict[Any, str] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text",
    dict: "an object", list: "a list",
}  # fmt: skip
_LARGEST = 1e15  # a count, seconds or a loss

# A name with a question mark may be missing or null. A list of one stands for any number of items.
SHAPES: dict[str, dict[str, Any]] = {
    "config.json": {
        "data?": {
            "class_names": [str],
            "image_shape": [int],
            "train": int,
            "validation": int,
            "test": int,
            "digest?": str,
            "test_digest?": str,
        }
    },
    "training.json": {
        "finished": bool,
        "epochs": int,
        "seconds": float,
        "validation_accuracy": float,
        "validation_images?": int,
        "stopped_early?": str,
        "weights_of_epoch?": int,
    },
    "environment.json": {"resumed?": [{}]},
}


class Result(dict[str, Any]):
    """A result of the model of a run: the content of its JSON file in the run folder."""

    file: ClassVar[str]
    """The JSON file, which is written last."""
    files: ClassVar[tuple[str, ...]]
    """All files and folders that are removed when training resumes."""
    shape: ClassVar[dict[str, Any]]
    """The required content of the file, as in ``SHAPES``."""
    missing: ClassVar[str] = ""
    """Line in the representation of a run without this result; empty for none."""

    @property
    def summary(self) -> str:
        """Line in the representation of a run; empty for none."""
        return ""


RESULTS: Vocabulary[Any] = Vocabulary(
    "result of a run", modules=("fashion_zoo.evaluation.report", "fashion_zoo.exporting.export")
)


def check_shape(file: Path, value: Any, shape: Any, where: str = "") -> None:
    """Check that a JSON value has a shape: a type, a dictionary of shapes, or a list of one.

    Raises:
        RunError: if it has not; the message has the place in the file and what was expected.
    """
    kind: Any = type(shape) if isinstance(shape, dict | list) else shape
    if not _is(value, kind):
        raise RunError(f"{file} is damaged: {where or 'it'} must be {_WORDS[kind]}.")
    if isinstance(shape, list):
        for place, one in enumerate(value):
            check_shape(file, one, shape[0], f"{where}[{place}]")
    elif isinstance(shape, dict):
        for name, inside in shape.items():
            key = name.removesuffix("?")
            if name.endswith("?") and value.get(key) is None:
                continue
            check_shape(file, value.get(key), inside, f"{where}.{key}" if where else key)


def _is(value: Any, kind: type) -> bool:
    if kind in (int, float):
        number = isinstance(value, (int, kind)) and not isinstance(value, bool)
        return number and abs(value) < _LARGEST
    return isinstance(value, kind)
