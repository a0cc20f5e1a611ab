"""The run folder: everything one training produced, enough to evaluate, export and repeat it.

config.json       format number, recipe name, the whole RunConfig, what the images were
environment.json  versions, device, precision and why, threads, commit; where it went on elsewhere
history.csv       one row an epoch: losses, accuracies, applied rates (no times)
timing.csv        one row an epoch: seconds and images a second
state/            what training goes on from after a kill: the last two epochs, verified
training.json     how training ended and why, whose weights were kept, their validation accuracy
model.keras       the trained model, which Keras loads without this package
curves.png        the history as a picture
"""

import contextlib
import csv
import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo import storage
from fashion_zoo.config import RunConfig
from fashion_zoo.data import Description, load
from fashion_zoo.errors import Hint, RunError
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.machine import environment
from fashion_zoo.runs.config_file import parse, read_json
from fashion_zoo.runs.images import check_fits
from fashion_zoo.runs.model_file import read_model, write_model
from fashion_zoo.runs.results import RESULTS, SHAPES, check_shape
from fashion_zoo.show import cells
from fashion_zoo.storage import absolute, reading

if TYPE_CHECKING:
    import keras

_STATE = re.compile(r"epoch-(\d{6,12})")


@dataclasses.dataclass(frozen=True)
class Run:
    """An open run folder."""

    path: Path
    """The folder, absolute: a training goes on where it was though the process changes folders."""
    recipe: str
    """Name of the recipe."""
    config: RunConfig
    """What the run was made from."""
    stored_data: Description | None = None
    """What its images were; None where an older version wrote it, or nobody has said it yet."""
    check: Callable[[], None] | None = dataclasses.field(default=None, compare=False, repr=False)
    """Called before anything is written into a run that is held; raises where it no longer is."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", absolute(self.path))

    def __fspath__(self) -> str:
        """Return its folder, so that a run is taken wherever the path of one is."""
        return str(self.path)

    def __repr__(self) -> str:
        return cells.lines(f"{self.path}: {self.said}", *self._measured())

    def _repr_html_(self) -> str:
        return cells.page(repr(self), cells.image(self.path / "curves.png", f"{self.said}: curves"))

    def _measured(self) -> list[str]:
        """Return how training ended and what the evaluation found, as far as it can be read."""
        try:
            training = self.read_json("training.json")
            epochs, seconds = counted(training["epochs"], "epoch"), training["seconds"]
            ended = "trained" if training["finished"] else "not trained to its end:"
            reached = percent(training["validation_accuracy"])
            lines = [f"{ended} {epochs} in {seconds:.0f} s, validation accuracy {reached}"]
        except (RunError, KeyError, TypeError, ValueError):
            return ["not trained to its end"]
        for word, kind in RESULTS.items():
            with contextlib.suppress(RunError, KeyError, TypeError, ValueError):
                found = self.result(word)
                lines.append(kind.unsaid if found is None else found.said)
        return [line for line in lines if line]

    @property
    def data(self) -> Description:
        """What its images were: class names, shape, counts and digest."""
        return self.stored_data or load(self.config.data).describe(read=False)

    @property
    def said(self) -> str:
        """Recipe, name of the folder and seed in a few words, for the caption of a picture."""
        return f"{self.recipe}, run {self.path.resolve().name}, seed {self.config.seed}"

    @property
    def model_file(self) -> Path:
        """Where the trained model is."""
        return self.path / "model.keras"

    def load_model(self) -> "keras.Model":
        """Load the trained model, compiled to go on at the learning rate that ended.

        Raises:
            RunError: training has not saved one, the file is damaged, or it is of other images.
        """
        self.check_model()
        import keras  # noqa: F401  # outside: where it cannot start, the file is not to blame

        try:
            model = read_model(self.model_file)
        except Exception as error:
            raise RunError(f"{self.model_file} cannot be loaded: {error}") from error
        check_fits(self, model)
        return model

    def check_model(self) -> None:
        """Check that there is a trained model.

        Raises:
            RunError: training has not saved one.
        """
        if not self.model_file.is_file():
            raise RunError(
                f"Run {self.path} has no model.keras: its training did not finish. Train it again."
            )

    def save_model(self, model: "keras.Model") -> None:
        """Save the trained model in Keras's own classes, whole or not at all."""
        with storage.atomic_file(self.to_write("model.keras")) as temporary:
            write_model(model, temporary)

    def to_write(self, name: str) -> Path:
        """Return where one of its files is written to.

        Raises:
            RunError: it is held no longer, or another folder stands in its place.
        """
        if self.check:
            self.check()
        return self.path / name

    @property
    def finished(self) -> bool:
        """Whether training came to its end and all of it was written."""
        file = self.path / "training.json"
        return file.is_file() and bool(self.read_json(file.name)["finished"])

    def result(self, word: str) -> Any:
        """Return what was made of its model, such as ``"evaluation"``, or None before it is there.

        Raises:
            RunError: its file is damaged.
            ConfigError: there is no such result.
        """
        kind = RESULTS.member(word)
        done = (self.path / kind.file).is_file()
        return kind(self.read_json(kind.file, kind.shape)) if done else None

    def drop_results(self) -> None:
        """Remove what was made of an earlier model, before training goes on."""
        with storage.as_storage_error(self.path):
            for kind in RESULTS.values():
                for name in kind.files:
                    storage.remove(self.to_write(name))

    def move(self, surroundings: Mapping[str, Any], epochs: int) -> list[str]:
        """Keep that the run goes on after some epochs, where that is not as it was before.

        Returns:
            What changed, in words; nothing where nothing did, and then nothing is written.
        """
        stored = self.read_json("environment.json")
        moves = stored.get("resumed", [])
        changed = environment.changes((moves or [stored])[-1], surroundings)
        if changed:
            moves = [*moves, {"after_epoch": epochs, **surroundings}]
            storage.write_json(self.to_write("environment.json"), {**stored, "resumed": moves})
        return changed

    @property
    def has_checkpoint(self) -> bool:
        """Whether an epoch of it has ended, from which training can go on."""
        return bool(self._states())

    def save_checkpoint(self, epoch: int, data: bytes) -> None:
        """Write the state after an epoch; the one before it is kept, others go."""
        folder = self.to_write("state")
        if not folder.is_dir():
            with storage.as_storage_error(folder):
                folder.mkdir()
        storage.write_verified(self.checkpoint_file(epoch), data)
        self.prune_checkpoints(epoch, later=True)

    def prune_checkpoints(self, epoch: int, *, later: bool = False) -> None:
        """Remove the states before that of the epoch and the one before it.

        Args:
            epoch: the last one whose state counts.
            later: whether states of later epochs, which nobody goes on from, are removed too.
        """
        with storage.as_storage_error(self.path):
            for number, file in self._states().items():
                if number < epoch - 1 or (later and number > epoch):
                    storage.remove(file)

    def load_checkpoint(self, read: Callable[[bytes, int], Any] = lambda data, _: data) -> Any:
        """Return the newest state that is whole, or None before the first.

        Args:
            read: makes of its bytes and the number of its epoch what is returned; a ValueError says
                that they are not what they should be, and the state before is taken. By default
                the bytes themselves.

        Raises:
            RunError: there are states, and none of them is whole.
        """
        states = self._states()
        for number, file in states.items():
            data = reading.read_verified(file)
            if data is not None:
                with contextlib.suppress(ValueError):
                    return read(data, number)
        if states:
            raise RunError(
                f"Run {self.path} cannot go on: its states are damaged "
                f"({', '.join(file.name for file in states.values())}). Train it again with ",
                Hint("force", True),
                ".",
            )
        return None

    def checkpoint_file(self, epoch: int) -> Path:
        """Return where the state after an epoch is."""
        return self.path / "state" / f"epoch-{epoch:06}"

    def _states(self) -> dict[int, Path]:
        """Return the files of the states by the number of their epoch, the newest first."""
        found = {}
        for file in (self.path / "state").glob("epoch-*"):
            if match := _STATE.fullmatch(file.name):
                found[int(match[1])] = file
        return dict(sorted(found.items(), reverse=True))

    def history(self) -> dict[str, list[float]]:
        """Return the columns of ``history.csv``; NaN where a column began later.

        Raises:
            RunError: there is no history yet, or it is damaged.
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
        """Return the content of one of the run's JSON files.

        Args:
            name: the file.
            shape: what it must hold, as in ``SHAPES``; by default what is there for it.

        Raises:
            RunError: it is missing or damaged.
        """
        value = read_json(self.path / name)
        check_shape(self.path / name, value, SHAPES.get(name, {}) if shape is None else shape)
        return value


@checked
def open_run(path: AnyPath) -> Run:
    """Open a run folder.

    Args:
        path: the folder; a run, or what ``train`` returned, is opened anew.

    Raises:
        RunError: it is missing, not a run, damaged, written by a newer package, or made by a
            recipe that is not registered.
    """
    path = Path(path)
    if not os.path.isdir(path):  # unlike Path's, it answers no where it may not look
        raise RunError(f"There is no run folder {path}.")
    if not os.path.isfile(path / "config.json"):
        raise RunError(f"{path} is not a run folder: it has no config.json.")
    return Run(path, *parse(path / "config.json", f"Run {path}"))
