"""Where the images come from."""

import dataclasses
import os
from typing import Literal

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.suggest import unknown
from fashion_zoo.storage.paths import absolute


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Where the images come from."""

    dataset: Literal["fashion_mnist"] = "fashion_mnist"
    """Name of the data set."""
    folder: str | None = None
    """Folder that holds the published files; by default those that come with the package. It is
    made absolute."""
    limit: int | None = None
    """Train on a stratified slice of this many images only, at least one of each class; validation
    and test stay whole."""

    def __post_init__(self) -> None:
        if self.dataset != "fashion_mnist":
            raise ConfigError(unknown("dataset", self.dataset, ["fashion_mnist"]))
        if isinstance(self.folder, os.PathLike):
            object.__setattr__(self, "folder", os.fspath(self.folder))
        if isinstance(self.folder, str):  # a run is read from other folders, too
            object.__setattr__(self, "folder", str(absolute(self.folder)))
        if self.folder is not None and not isinstance(self.folder, str):
            raise ConfigError(f"data.folder must be a path, received {self.folder!r}.")
        if self.limit is not None:
            checks.whole("data.limit", self.limit, 1)
