"""Sources of images, one per file, found by word or by the form of the text.

A source is a function of the arguments of its word that returns a ``Source``. That of a file or a
folder only reads; ``data.assembly`` converts and splits what it has read.
"""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fashion_zoo.errors import ConfigError, DataError
from fashion_zoo.language.vocabulary import Vocabulary
from fashion_zoo.language.wording import listed, nearest
from fashion_zoo.storage import absolute

if TYPE_CHECKING:
    from fashion_zoo.config import DataConfig
    from fashion_zoo.data.dataset import Dataset

SPLIT = ("test", "validation", "seed")


class Given(NamedTuple):
    """Images with their labels, as they are in a source."""

    images: Any
    """(n, height, width) grey or (n, height, width, 3) RGB, whole numbers in 0..255."""
    labels: Any
    """(n,) positions in the class names, or names."""
    of_images: str = "x"
    """What holds the images, for messages."""
    of_labels: str = "y"
    """What holds the labels, for messages."""


@dataclasses.dataclass(frozen=True)
class Raw:
    """What a source has read."""

    train: Given
    test: Given | None = None
    """If there is none, a part of ``train`` is held out."""
    validation: Given | None = None
    """If there is none, a part of ``train`` is held out."""
    class_names: Sequence[str] | None = None
    """By default the labels, in order."""
    notes: tuple[str, ...] = ()
    """What was changed or left out, for people."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A place of images."""

    read: "Callable[[DataConfig], Raw | Dataset]"
    """Reads them, or returns a Dataset that does when images are first used."""
    takes: tuple[str, ...] = SPLIT
    """The fields of DataConfig that it uses, beside those that every source has."""
    word: str = ""
    """Expression that gives this source again from any folder; by default what was parsed."""
    title: str = ""
    """Short name, for a caption; by default the word."""


WORDS: "Vocabulary[Source]" = Vocabulary(
    "source",
    package="fashion_zoo.data.sources",
    example="fashion_mnist",
    finish=lambda found: found if isinstance(found, Source) else None,
)


def source_of_paths(
    word: str,
    read: "Callable[..., Raw]",
    *paths: str | None,
    takes: tuple[str, ...] = SPLIT,
) -> Source:
    """Return the source of ``read(config, *paths)``, whose paths are made absolute."""
    if not isinstance(paths[0], str) or not all(isinstance(one, str | None) for one in paths):
        raise ConfigError(
            f"{word} takes paths as texts, received {listed([repr(path) for path in paths])}."
        )
    places = [None if path is None else absolute(path) for path in paths]
    while places and places[-1] is None:
        places.pop()
    arguments = ", ".join("None" if place is None else repr(str(place)) for place in places)
    title = next(shown(place.name) for place in places if place is not None)
    return Source(lambda config: read(config, *places), takes, f"{word}({arguments})", title)


def missing(path: Path) -> DataError:
    """Return the error of a file or folder that is not there, or is of another kind."""
    if path.exists():
        return DataError(f"{shown(path)} is of a kind that is not read. {WORDS.forms}")
    near = nearest_file(path)
    hint = f" Did you mean {near!r}?" if near else ""
    return DataError(f"There is no file or folder {shown(path)}.{hint} {WORDS.forms}")


def nearest_file(path: str | os.PathLike) -> str | None:
    """Return the name in its folder that is closest to a path, None if none is close."""
    folder, name = os.path.split(path)
    try:
        return nearest(name, os.listdir(folder or os.curdir))
    except OSError:
        return None


def shown(path: str | os.PathLike) -> str:
    """Return a path that may not be UTF-8 as text that can be printed."""
    return os.fsencode(path).decode(errors="backslashreplace")
