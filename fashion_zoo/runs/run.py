"""The run folder: everything one training produced, enough to evaluate, export and repeat it.

config.json       format, recipe, the whole RunConfig, description of the images and of an ensemble
positions.npz     which image of the source trains, validates and tests
environment.json  versions, device, precision and its reason, threads, commit, own callbacks; the
                  run it is a fork of; later environments
history.csv       one row per epoch: losses, accuracies, applied rates (no times)
timing.csv        one row per epoch: seconds and images per second
state/            the verified checkpoints of the last two epochs
training.json     how and why training ended, the epoch of the weights, their validation accuracy
model.keras       the trained model, which Keras loads without this package
snapshots/        the models at the ends of the cycles of training.snapshots
curves.png        plots of the history
tensorboard/      what training.tensorboard and training.profile write
"""

import contextlib
import csv
import dataclasses
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo import storage
from fashion_zoo.config import RunConfig
from fashion_zoo.data import Description, load
from fashion_zoo.errors import Hint, RunError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.language.wording import counted, meant_folder, percent
from fashion_zoo.runs.ensembled import Ensemble
from fashion_zoo.runs.model_file import read_model, write_model
from fashion_zoo.runs.stored import RESULTS, SHAPES, parse, read_json
from fashion_zoo.show import pages
from fashion_zoo.storage import absolute, reading

if TYPE_CHECKING:
    import keras

_NAME = re.compile(r"epoch-(\d{6,12})")


@dataclasses.dataclass(frozen=True)
class Run:
    """An open run folder."""

    path: Path
    """The folder, absolute, because the process may change its current folder."""
    recipe: str
    """Name of the recipe."""
    config: RunConfig
    """Its settings."""
    stored_data: Description | None = None
    """The stored description of its images; None in runs of older versions."""
    ensemble: Ensemble | None = None
    """How its model was made of those of other runs; None if it was trained."""
    check: Callable[[], None] | None = dataclasses.field(default=None, compare=False, repr=False)
    """Called before each write while the run is trained; raises if its lock was lost."""
    model_name: str = "model.keras"
    """Its model in the folder: the trained one, or a snapshot; see ``snapshots``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", absolute(self.path))

    def __fspath__(self) -> str:
        """Return the folder, so that a run can be passed wherever a path is taken."""
        return str(self.path)

    def __repr__(self) -> str:
        return pages.lines(f"{self.path}: {self.caption}", *self._measured())

    def _repr_html_(self) -> str:
        curves = pages.image(self.path / "curves.png", f"{self.caption}: curves")
        return pages.cell(repr(self), curves)

    def _measured(self) -> list[str]:
        """Return the lines about training and results that can be read."""
        try:
            training = self.read_json("training.json")
            epochs, seconds = counted(training["epochs"], "epoch"), training["seconds"]
            ended = "trained" if training["finished"] else "not trained to its end:"
            reached = percent(training["validation_accuracy"])
            trained = f"{ended} {epochs} in {seconds:.0f} s, validation accuracy {reached}"
            lines = [self.ensemble.summary if self.ensemble else trained]
        except RunError:
            return ["not trained to its end"]
        for word, kind in RESULTS.items():
            with contextlib.suppress(RunError):
                found = self.result(word)
                lines.append(kind.missing if found is None else found.summary)
        return [line for line in lines if line]

    @property
    def data(self) -> Description:
        """Class names, shape, counts and digest of its images."""
        return self.stored_data or load(self.config.data).describe(read=False)

    @property
    def caption(self) -> str:
        """Recipe, name of the folder and seed, or what it is an ensemble of, for a picture."""
        name = self.path.resolve().name
        if self.ensemble:
            return f"{self.ensemble.title}, ensemble {name}"
        return f"{self.recipe}, run {name}, seed {self.config.seed}"

    @property
    def model_file(self) -> Path:
        """Path of the trained model."""
        return self.path / self.model_name

    def load_model(self, *, compiled: bool = True) -> "keras.Model":
        """Load the trained model, compiled with the last learning rate, or only to predict.

        Raises:
            RunError: if there is none, it is damaged, or it is of other images.
        """
        self.check_model()
        import keras  # noqa: F401  # outside of try: if Keras cannot start, the file is not damaged

        try:
            model = read_model(self.model_file, compiled=compiled)
        except Exception as error:
            raise RunError(f"{self.model_file} cannot be loaded: {error}") from error
        classes, shape = len(self.data.class_names), self.data.image_shape
        found, seen = model.output_shape[-1], model.input_shape[1:]
        if found != classes or math.prod(seen) != math.prod(shape):
            raise RunError(
                f"{self.model_file} is a model of {found} classes and images of {seen}, and "
                f"config.json is of {classes} and {shape}. One of the two files is not this run's."
            )
        return model

    def check_model(self) -> None:
        """Check that there is a trained model; raises RunError otherwise."""
        if not self.model_file.is_file():
            raise RunError(
                f"Run {self.path} has no {self.model_name}: its training did not finish. Train it "
                "again."
            )

    def save_model(self, model: "keras.Model") -> list[str]:
        """Save the trained model atomically; see ``model_file.write_model``."""
        with storage.atomic_file(self.to_write(self.model_name)) as temporary:
            return write_model(model, temporary)

    def to_write(self, name: str) -> Path:
        """Return the path of a file to write; raises RunError if the lock of the run was lost."""
        if self.check:
            self.check()
        return self.path / name

    @property
    def finished(self) -> bool:
        """Whether training is complete, and all of it was written."""
        file = self.path / "training.json"
        return file.is_file() and bool(self.read_json(file.name)["finished"])

    def result(self, word: str) -> Any:
        """Return a result of the model, such as ``"evaluation"``, or None if there is none yet.

        Raises:
            RunError: if its file is damaged.
            ConfigError: if ``word`` is unknown.
        """
        kind = RESULTS.member(word)
        done = (self.path / kind.file).is_file()
        return kind(self.read_json(kind.file, kind.shape)) if done else None

    def drop_results(self) -> None:
        """Remove the results of an earlier model before training resumes."""
        with storage.as_storage_error(self.path):
            for kind in RESULTS.values():
                for name in kind.files:
                    storage.remove(self.to_write(name))

    @property
    def environments(self) -> list[dict[str, Any]]:
        """The environments in which it was trained, the first one first; none in older runs."""
        if not (self.path / "environment.json").is_file():
            return []
        stored = self.read_json("environment.json")
        return [stored, *(stored.get("resumed") or [])]

    @property
    def devices(self) -> int:
        """Number of devices on which it was trained last, 1 if it was not."""
        return next((one.get("devices") or 1 for one in reversed(self.environments)), 1)

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint."""
        return bool(self._checkpoints())

    def save_checkpoint(self, epoch: int, data: bytes) -> None:
        """Write the checkpoint of an epoch; keep the one before it, and remove all others."""
        folder = self.to_write("state")
        if not folder.is_dir():
            with storage.as_storage_error(folder):
                folder.mkdir()
        storage.write_verified(self.checkpoint_file(epoch), data)
        self.prune_checkpoints(epoch)

    def prune_checkpoints(self, epoch: int) -> None:
        """Remove all checkpoints but those of an epoch and the one before it."""
        with storage.as_storage_error(self.path):
            for number, file in self._checkpoints().items():
                if number not in (epoch - 1, epoch):
                    storage.remove(file)

    def load_checkpoint(self, read: Callable[[bytes, int], Any] = lambda data, _: data) -> Any:
        """Return the newest checkpoint that is not damaged, or None if there is no file of one.

        Args:
            read: a function of its bytes and epoch that returns the result; after a ValueError the
                checkpoint before it is tried. By default the bytes are the result.

        Raises:
            RunError: if all of them are damaged.
        """
        checkpoints = self._checkpoints()
        for number, file in checkpoints.items():
            data = reading.read_verified(file)
            if data is not None:
                with contextlib.suppress(ValueError):
                    return read(data, number)
        if checkpoints:
            raise RunError(
                f"Run {self.path} cannot be resumed: its checkpoints are damaged "
                f"({', '.join(file.name for file in checkpoints.values())}). Train it again with ",
                Hint("force", True),
                ".",
            )
        return None

    def each_checkpoint(self) -> Iterator[tuple[int, bytes]]:
        """Yield epoch and bytes of each checkpoint that is not damaged, the oldest first."""
        for epoch, file in reversed(self._checkpoints().items()):
            if (data := reading.read_verified(file)) is not None:
                yield epoch, data

    def checkpoint_file(self, epoch: int) -> Path:
        """Return the path of the checkpoint of an epoch."""
        return self.path / "state" / f"epoch-{epoch:06}"

    def _checkpoints(self) -> dict[int, Path]:
        """Return epoch to file, the newest first."""
        files = (self.path / "state").glob("epoch-*")
        found = {int(match[1]): file for file in files if (match := _NAME.fullmatch(file.name))}
        return dict(sorted(found.items(), reverse=True))

    def history(self) -> dict[str, list[float]]:
        """Return the columns of ``history.csv``, NaN where a value is missing.

        Raises:
            RunError: if there is no history yet, or it is damaged.
        """
        file = self.path / "history.csv"
        if not file.is_file():
            raise RunError(f"Run {self.path} has no history.csv: no epoch of it has ended.")
        try:
            rows = list(csv.DictReader(reading.read_text(file).splitlines()))
            return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
        except (ValueError, TypeError, IndexError, csv.Error) as error:
            raise RunError(f"{file} is damaged: {error}.") from error

    def read_json(self, name: str, shape: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the content of a JSON file of the run; RunError if it is missing or damaged.

        ``shape`` is its required content, as in ``SHAPES``, which has the default.
        """
        return read_json(self.path / name, SHAPES.get(name, {}) if shape is None else shape)


@checked
def open_run(path: AnyPath) -> Run:
    """Open a run folder.

    Args:
        path: the folder; also a run or the result of ``train``, which is read again.

    Raises:
        RunError: if it is missing, not a run, damaged, written by a newer version of this package,
            or of a recipe that is not registered.
    """
    path = Path(path)
    if not os.path.isdir(path):  # unlike Path's, False without permission to look
        raise RunError(f"There is no run folder {path}.{meant_folder(path, 'config.json')}")
    if not os.path.isfile(path / "config.json"):
        raise RunError(f"{path} is not a run folder: it has no config.json.")
    return Run(path, *parse(path / "config.json"))
