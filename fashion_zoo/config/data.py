"""Where the images come from."""

import dataclasses
import os
from typing import Annotated

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Words, check_words
from fashion_zoo.storage import absolute


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Where the images come from."""

    dataset: Annotated[str, Words("fashion_zoo.data.sources")] = "fashion_mnist"
    """The data set: its word, with arguments where it takes some."""
    folder: str | None = None
    """Folder that holds the published files; by default those that come with the package. It is
    made absolute."""
    limit: int | None = None
    """Train on a stratified slice of this many images only, at least one of each class; validation
    and test stay whole."""

    def __post_init__(self) -> None:
        check_words(self, "data.")
        if isinstance(self.folder, os.PathLike):
            object.__setattr__(self, "folder", os.fspath(self.folder))
        if isinstance(self.folder, str):  # a run is read from other folders, too
            object.__setattr__(self, "folder", str(absolute(self.folder)))
        if self.folder is not None and not isinstance(self.folder, str):
            raise ConfigError(f"data.folder must be a path, received {self.folder!r}.")
        if self.limit is not None:
            checks.whole("data.limit", self.limit, 1)
