"""The run folder: everything one training produced, enough to evaluate, export and repeat it.

config.json       format number, recipe name, the whole RunConfig
environment.json  versions, device, precision and why, threads, commit; where it went on elsewhere
history.csv       one row an epoch: losses, accuracies, applied rates (no times)
timing.csv        one row an epoch: seconds and images a second
state/            what training goes on from after a kill: the last two epochs, verified
training.json     how training ended and why, whose weights were kept, their validation accuracy
model.keras       the trained model, which Keras loads without this package
curves.png        the history as a picture
"""

import csv
import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo import environment, storage
from fashion_zoo.arguments import AnyPath, checked
from fashion_zoo.config import RunConfig
from fashion_zoo.errors import ConfigError, Hint, RunError
from fashion_zoo.overrides import override
from fashion_zoo.registry import recipe
from fashion_zoo.runs.evaluation import Evaluation
from fashion_zoo.runs.model_file import read_model, write_model
from fashion_zoo.runs.settings import revived
from fashion_zoo.show import cells
from fashion_zoo.wording import counted, percent

if TYPE_CHECKING:
    import keras

FORMAT = 1
_RESULTS = ("evaluation.json", "confusion.png", "reliability.png", "errors.png", "saved_model")


@dataclasses.dataclass(frozen=True)
class Run:
    """An open run folder."""

    path: Path
    """The folder, absolute: a training goes on where it was though the process changes folders."""
    recipe: str
    """Name of the recipe."""
    config: RunConfig
    """What the run was made from."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(os.path.abspath(self.path)))

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
        try:
            found = self.evaluation()
            return [*lines, found.accuracy_said if found else "not evaluated on the test images"]
        except (RunError, KeyError, TypeError, ValueError):
            return lines

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
            RunError: training has not saved one, or the file is damaged.
        """
        self.check_model()
        import keras  # noqa: F401  # outside: where it cannot start, the file is not to blame

        try:
            return read_model(self.model_file)
        except Exception as error:
            raise RunError(f"{self.model_file} cannot be loaded: {error}") from error

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
        with storage.atomic_file(self.model_file) as temporary:
            write_model(model, temporary)

    @property
    def finished(self) -> bool:
        """Whether training came to its end and all of it was written."""
        file = self.path / "training.json"
        return file.is_file() and bool(_read_json(file).get("finished"))

    def evaluation(self) -> Evaluation | None:
        """Return ``evaluation.json``, or None before it is there; it is written last."""
        done = (self.path / "evaluation.json").is_file()
        return Evaluation(self.read_json("evaluation.json")) if done else None

    def parity(self) -> dict[str, Any] | None:
        """Return ``saved_model/parity.json``, or None before the export."""
        done = (self.path / "saved_model" / "parity.json").is_file()
        return self.read_json("saved_model/parity.json") if done else None

    def drop_results(self) -> None:
        """Remove what was measured and exported of an earlier model, before training goes on."""
        with storage.as_storage_error(self.path):
            for name in _RESULTS:
                storage.remove(self.path / name)

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
            storage.write_json(self.path / "environment.json", {**stored, "resumed": moves})
        return changed

    @property
    def has_state(self) -> bool:
        """Whether an epoch of it has ended, from which training can go on."""
        return bool(self._states())

    def save_state(self, epoch: int, data: bytes) -> None:
        """Write the state after an epoch; the one before it is kept, older ones go."""
        folder = self.path / "state"
        if not folder.is_dir():
            with storage.as_storage_error(folder):
                folder.mkdir()
        storage.write_verified(folder / f"epoch-{epoch:06}", data)
        self.prune_states()

    def prune_states(self) -> None:
        """Remove the states that came before the last two."""
        with storage.as_storage_error(self.path):
            for old in self._states()[2:]:
                storage.remove(old)

    def load_state(self) -> bytes | None:
        """Return the newest state that is whole, or None before the first.

        Raises:
            RunError: there are states, and none of them is whole.
        """
        states = self._states()
        for file in states:
            data = storage.read_verified(file)
            if data is not None:
                return data
        if states:
            raise RunError(
                f"Run {self.path} cannot go on: its states are damaged "
                f"({', '.join(file.name for file in states)}). Train it again with ",
                Hint("force", True),
                ".",
            )
        return None

    def _states(self) -> list[Path]:
        """Return the files of the states, the newest first."""
        return sorted((self.path / "state").glob("epoch-*"), reverse=True)

    def history(self) -> dict[str, list[float]]:
        """Return the columns of ``history.csv``; NaN where a column began later.

        Raises:
            RunError: there is no history yet.
        """
        file = self.path / "history.csv"
        if not file.is_file():
            raise RunError(f"Run {self.path} has no history.csv: no epoch of it has ended.")
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of one of the run's JSON files.

        Raises:
            RunError: it is missing or damaged.
        """
        return _read_json(self.path / name)


def is_run(path: Path) -> bool:
    """Whether a run folder is there."""
    try:
        stored = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stored, dict) and {"format", "recipe", "config"} <= stored.keys()


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
    name, config = _parse(path / "config.json", f"Run {path}")
    return Run(path, name, config)


def _parse(file: Path, what: str) -> tuple[str, RunConfig]:
    """Return the recipe's name and the config that a file holds."""
    stored = _read_json(file)
    number, name = stored.get("format"), stored.get("recipe")
    if isinstance(number, int) and number > FORMAT:
        raise RunError(
            f"{what} has format {number}; this package knows formats up to {FORMAT}. "
            "Update fashion_zoo."
        )
    whole = isinstance(stored.get("config"), dict)
    if type(number) is not int or number != FORMAT or not whole or not isinstance(name, str):
        raise RunError(f"{file} is not a run's config.")
    try:
        entry = recipe(name)
        return entry.name, override(entry.config, revived(entry.config, stored["config"]))
    except ConfigError as error:
        raise RunError(
            f"{what} cannot be opened: ",
            error,
            " If the recipe is your own, load its file first, with ",
            Hint("load_recipes"),
            ".",
        ) from error
    except (KeyError, TypeError, ValueError) as error:  # of a family of one's own
        raise RunError(
            f"{what} cannot be opened: its settings do not fit {name}: "
            f"{type(error).__name__}: {error}."
        ) from error


def write_config(file: Path, name: str, config: RunConfig) -> None:
    """Write the config of a run, whole or not at all."""
    stored = {"format": FORMAT, "recipe": name, "config": dataclasses.asdict(config)}
    storage.write_json(file, stored)


@checked
def read_config(file: AnyPath, name: str) -> RunConfig:
    """Return the config that a file holds, such as a run's config.json or a search's best.json.

    Args:
        file: the file.
        name: the recipe that it must be of.

    Raises:
        RunError: it cannot be read, holds no config, or is of another recipe.
    """
    found, config = _parse(Path(file), str(file))
    if found != name:
        raise RunError(f"{file} is a config of {found}, not of {name}.")
    return config


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        # A path that is not UTF-8 has surrogates of its own; no others can be encoded again.
        json.dumps(value, ensure_ascii=False).encode(errors="surrogateescape")
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged: expected a JSON object.")
    return value


@checked
def stored_config(
    name: str, resume: AnyPath | None = None, fork: AnyPath | None = None
) -> RunConfig:
    """Return the config that a training starts from before it is changed.

    Args:
        name: a registered recipe.
        resume: the run folder to go on with, if a run is there.
        fork: the run to fork.

    Returns:
        The config of the run to go on with, else of the run to fork, else the recipe's.

    Raises:
        RunError: the run cannot be read, or is of another recipe.
    """
    source = resume if resume is not None and is_run(Path(resume)) else fork
    if source is None:
        return recipe(name).config
    run = open_run(source)
    if run.recipe != name:
        raise RunError(f"{source} is a run of {run.recipe}, not of {name}.")
    return run.config
