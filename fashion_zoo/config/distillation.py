"""The settings of a distillation."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated, Any

from fashion_zoo.config.switches import Switched
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import check_settings
from fashion_zoo.language.wording import meant_folder
from fashion_zoo.storage import absolute, reading

_DATED = {"metadata.json"}  # with the time at which the file was written


@dataclasses.dataclass(frozen=True)
class DistillationConfig(Switched):
    """Distillation: learn from the outputs of a teacher beside the labels."""

    switch = ("teacher", None, "RUN")

    teacher: str | None = None
    """Folder of the run whose model is the teacher, made absolute; none learns from labels only."""
    temperature: Annotated[float, checks.positive] = 2.0
    """Temperature of the probabilities of both: their logits are divided by it."""
    mixture: Annotated[float, checks.proportion] = 0.9
    """Share of the teacher in the loss; the rest is the loss of the labels."""
    views: Annotated[int, checks.at_least(0)] = 0
    """Epochs after which augmented images repeat, so that the teacher predicts them once, before
    the first step; 0 augments every epoch anew."""
    digest: str | None = None
    """Digest of the model of the teacher; by default that of the model now, which a run stores."""

    def __post_init__(self) -> None:
        check_settings(self, "distillation.")
        if self.digest is not None and not isinstance(self.digest, str):
            raise ConfigError(f"distillation.digest must be a text, received {self.digest!r}.")
        if self.teacher is None:
            return
        if not isinstance(self.teacher, str | os.PathLike):
            raise ConfigError(
                "distillation.teacher must be the folder of a run, received "
                f"{type(self.teacher).__name__}."
            )
        object.__setattr__(self, "teacher", str(absolute(self.teacher)))
        if self.digest is None:
            object.__setattr__(
                self, "digest", digest_of(Path(self.teacher), role="distillation.teacher")
            )

    @property
    def enabled(self) -> bool:
        """Whether the teacher has a share in the loss."""
        return self.teacher is not None and self.mixture > 0

    def digested(self) -> dict[str, Any]:
        """Return what has no part in a digest: which model it is counts, not where it lies."""
        return {"teacher": None}


def digest_of(run: Path, name: str = "model.keras", *, role: str = "The run") -> str:
    """Return the digest of a model of a run, of all that is in the file but its date.

    Args:
        run: the folder of the run.
        name: the file of the model.
        role: what the caller takes the run for, which begins an error.

    Raises:
        ConfigError: if there is no model that can be read.
    """
    file = run / name
    try:
        return reading.archive_digest(file, without=_DATED)
    except FileNotFoundError as error:
        meant = "" if run.is_dir() else meant_folder(run, file.name)
        raise ConfigError(
            f"{role} must be the folder of a run whose training has ended, received {run}, which "
            f"has no {file.name}.{meant}"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{role} {run} cannot be used: {file.name} cannot be read: {error}."
        ) from error
