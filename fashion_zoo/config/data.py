"""The settings of the images."""

import dataclasses
import os
from typing import Annotated, Literal

from fashion_zoo.config.renames import answering
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Words, check_settings
from fashion_zoo.storage import absolute

Color = Literal["as_is", "grey", "rgb"]
_SOURCES = Words("fashion_zoo.data.sources")


@answering
@dataclasses.dataclass(frozen=True)
class DataConfig:
    """The images: their source, what is converted, and how they are split."""

    source: Annotated[str, _SOURCES] = "fashion_mnist"
    """The source: its word, with arguments if it takes some; tfds:NAME; or the path of a file or a
    folder, made absolute."""
    folder: str | None = None
    """Folder of the published files of fashion_mnist, made absolute; by default those in this
    package."""
    limit: Annotated[int | None, checks.at_least(1)] = None
    """Train on a stratified slice of this many images only, at least one of each class; validation
    and test stay whole."""
    long_tail: Annotated[float | None, checks.at_least_one] = None
    """Train on fewer images of each class than of the class before it, as many of the first class
    for each of the last; by default on all."""
    color: Color = "as_is"
    """Colour that the images are converted to; as_is keeps theirs."""
    size: Annotated[int | None, checks.at_least(1, 2048)] = None
    """Height and width that the images are converted to, in pixels; by default they keep theirs.
    One that is not square is padded, not stretched."""
    invert: Annotated[bool, checks.flag] = False
    """Swap light and dark, as for drawings on white paper."""
    test: Annotated[float, checks.share] = 0.15
    """Share of each class that is held out for the test, if the source has no test images."""
    validation: Annotated[float, checks.share] = 0.1
    """Share of each class that is held out for validation, if the source has no such images."""
    seed: Annotated[int, checks.at_least(0)] = 0
    """Seed of the split and of the long tail, independent of the seed of the training."""
    label: str | None = None
    """Column of the labels in a table; by default the one named label, else the first."""
    exclude: str | None = None
    """File of positions of training images to leave out, one per line; made absolute."""
    skip_broken: Annotated[bool, checks.flag] = False
    """Leave out the files of a folder that cannot be read as pictures."""

    def __post_init__(self) -> None:
        if isinstance(self.source, os.PathLike):
            object.__setattr__(self, "source", os.fspath(self.source))
        check_settings(self, "data.")
        for name in ("folder", "exclude"):
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, str | os.PathLike):
                raise ConfigError(f"data.{name} must be a path, received {value!r}.")
            object.__setattr__(self, name, str(absolute(value)))
        if self.label is not None and not isinstance(self.label, str):
            raise ConfigError(f"data.label must be the name of a column, received {self.label!r}.")
        if self.source != "fashion_mnist":  # whose vocabulary need not be loaded
            word = _SOURCES.parse(self.source).word
            object.__setattr__(self, "source", word or self.source)

    @property
    def in_memory(self) -> bool:
        """Whether the images were arrays in memory, which cannot be read again."""
        return self.source.partition("(")[0] == "arrays"

    @property
    def title(self) -> str:
        """Short name of the source, for a caption."""
        if self.source == "fashion_mnist":
            return self.source
        return _SOURCES.parse(self.source).title or self.source
