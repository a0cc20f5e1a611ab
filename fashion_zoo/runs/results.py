"""What the JSON files of a run hold, as far as it is read, checked: a hand may have been there.

What is made of a trained model and kept in its run is a ``Result``, whose class stands where it is
made: the run folder knows only that there are such.
"""

import math
from pathlib import Path
from typing import Any, ClassVar

from fashion_zoo.errors import RunError
from fashion_zoo.language.vocabulary import Vocabulary

_WORDS: dict[Any, str] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text",
    dict: "an object", list: "a list",
}  # fmt: skip
_LARGEST = 1e15  # of a number, be it a count, seconds or a loss

# A name with a question mark may be missing or null. A list of one holds any number like it.
SHAPES: dict[str, dict[str, Any]] = {
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
    """What was made of the model of a run: a dictionary, as its JSON file in the run folder."""

    file: ClassVar[str]
    """The JSON file, which is written last."""
    files: ClassVar[tuple[str, ...]]
    """All files and folders that go when training goes on."""
    shape: ClassVar[dict[str, Any]]
    """What is read of the file, as in ``SHAPES``."""
    unsaid: ClassVar[str] = ""
    """What a run says of itself where it is missing; nothing where empty."""

    @property
    def said(self) -> str:
        """What a run says of it, in one line; nothing where empty."""
        return ""


RESULTS: Vocabulary[Any] = Vocabulary(
    "result of a run", modules=("fashion_zoo.evaluation.report", "fashion_zoo.exporting.parity")
)


def check_shape(file: Path, value: Any, shape: Any, where: str = "") -> None:
    """Check that a value of JSON is made like a shape.

    Args:
        file: where it was read, for the message.
        value: the value.
        shape: a type, a dictionary of shapes by name, or a list of the one shape of its items.
        where: where it stands in the file.

    Raises:
        RunError: it is not; the message says where and what was expected.
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
        whole = isinstance(value, int) and not isinstance(value, bool)
        number = whole or (kind is float and isinstance(value, float) and math.isfinite(value))
        return number and abs(value) < _LARGEST
    return isinstance(value, kind)
