"""The settings of weights of single training images."""

import dataclasses
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo.config.switches import Switched
from fashion_zoo.errors import ConfigError
from fashion_zoo.storage import absolute, reading

_DIGITS = 16  # of a digest


@dataclasses.dataclass(frozen=True)
class WeightingConfig(Switched):
    """Weights of the training images in the loss, such as those of boosting."""

    switch = ("file", None, "FILE")

    file: str | None = None
    """A .npy file with a number above 0 for each training image, in the order of the data set; made
    absolute."""
    digest: str | None = None
    """Digest of the file; by default that of the file now, which a run stores."""

    def __post_init__(self) -> None:
        if self.digest is not None and not isinstance(self.digest, str):
            raise ConfigError(f"weighting.digest must be a text, received {self.digest!r}.")
        if self.file is None:
            return
        if not isinstance(self.file, str | os.PathLike):
            raise ConfigError(f"weighting.file must be a path, received {self.file!r}.")
        object.__setattr__(self, "file", str(absolute(self.file)))
        if self.digest is None:
            object.__setattr__(self, "digest", _digest(self._bytes()))

    @property
    def enabled(self) -> bool:
        """Whether the images have weights."""
        return self.file is not None

    def digested(self) -> dict[str, Any]:
        """Return what has no part in a digest: which weights they are counts, not their place."""
        return {"file": None}

    def read(self, images: int) -> np.ndarray:
        """Return the (images,) float64 weights, scaled to a mean of 1.

        Raises:
            ConfigError: if the file cannot be read, is another one than in the settings, or does
                not have a finite number above 0 for each image.
        """
        data = self._bytes()
        if (now := _digest(data)) != self.digest:
            raise ConfigError(
                f"weighting.file {self.file} is not the one of this training: its digest is {now}, "
                f"and was {self.digest}. Put that file back, or name it in a new training."
            )
        try:
            found = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
            weights = np.asarray(found, "float64")
        except (ValueError, TypeError, EOFError) as error:
            raise ConfigError(f"weighting.file {self.file} is no .npy file: {error}.") from error
        if weights.shape != (images,) or not (np.isfinite(weights) & (weights > 0)).all():
            raise ConfigError(
                f"weighting.file {self.file} must have a finite number above 0 for each of the "
                f"{images:,} training images, received an array of shape {weights.shape}."
            )
        return weights / weights.mean()

    def _bytes(self) -> bytes:
        try:
            with reading.open_regular(Path(str(self.file))) as file:
                return file.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(f"weighting.file {self.file} cannot be read: {reason}.") from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_DIGITS]
