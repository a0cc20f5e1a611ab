"""The run folder: everything one training produced, enough to evaluate, export and repeat it.

config.json       format number, recipe name, the whole RunConfig
environment.json  versions, device, precision and why, threads, commit
history.csv       one row an epoch: losses, accuracies, applied rates (no times)
timing.csv        one row an epoch: seconds and images a second
training.json     how training ended, and the validation accuracy of the saved weights
model.keras       the trained model
curves.png        the history as a picture
"""

import contextlib
import csv
import dataclasses
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo import storage
from fashion_zoo.config import RunConfig, override
from fashion_zoo.errors import ConfigError, RunError
from fashion_zoo.registry import recipe

if TYPE_CHECKING:
    import keras

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Run:
    """An open run folder."""

    path: Path
    """The folder."""
    recipe: str
    """Name of the recipe."""
    config: RunConfig
    """What the run was made from."""

    @property
    def model_file(self) -> Path:
        """Where the trained model is."""
        return self.path / "model.keras"

    def load_model(self) -> "keras.Model":
        """Load the trained model, uncompiled.

        Raises:
            RunError: training has not saved one, or the file is damaged.
        """
        import keras

        from fashion_zoo import layers, optimizers  # noqa: F401  # registers what the file names

        if not self.model_file.is_file():
            raise RunError(
                f"Run {self.path} has no model.keras: its training did not finish. Train it again."
            )
        try:
            return keras.saving.load_model(self.model_file, compile=False)
        except Exception as error:
            raise RunError(f"{self.model_file} cannot be loaded: {error}") from error

    def save_model(self, model: "keras.Model") -> None:
        """Save the trained model, whole or not at all."""
        with storage.atomic_file(self.model_file) as temporary:
            model.save(temporary)

    def write_table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write ``name``, a CSV file, from rows that all have the same columns."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        storage.write_text(self.path / name, text.getvalue())

    def history(self) -> dict[str, list[float]]:
        """Return the columns of ``history.csv``.

        Raises:
            RunError: there is no history yet.
        """
        file = self.path / "history.csv"
        if not file.is_file():
            raise RunError(f"Run {self.path} has no history.csv: no epoch of it has ended.")
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        return {name: [float(row[name]) for row in rows] for name in rows[0]}

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of one of the run's JSON files.

        Raises:
            RunError: it is missing or damaged.
        """
        return _read_json(self.path / name)


@contextlib.contextmanager
def create(
    path: str | Path,
    recipe_name: str,
    config: RunConfig,
    environment: Mapping[str, Any],
    *,
    force: bool = False,
) -> Iterator[Run]:
    """Make a run folder and yield it; it stays when the block ends without an exception.

    After an exception the folder is as it was before: an older run that ``force`` replaces is set
    aside, and removed only at the end.

    Raises:
        RunError: as ``check_free``.
        StorageError: the folder cannot be written.
    """
    check_free(path, force=force)
    place = Path(path).resolve()
    was_there = place.is_dir()
    aside = place.with_name(f".{place.name}-{uuid.uuid4().hex}") if _is_run(place) else None
    with storage.as_storage_error(place):
        if aside:
            place.rename(aside)
        place.mkdir(parents=True, exist_ok=True)
    stored = {"format": FORMAT, "recipe": recipe_name, "config": dataclasses.asdict(config)}
    try:
        storage.write_json(place / "environment.json", dict(environment))
        storage.write_json(place / "config.json", stored)
        yield Run(Path(path), recipe_name, config)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        if aside:
            aside.rename(place)
        elif was_there:
            place.mkdir()
        raise
    if aside:
        shutil.rmtree(aside, ignore_errors=True)


def check_free(path: str | Path, *, force: bool = False) -> None:
    """Check that a run may be made at ``path``.

    Raises:
        RunError: something is there. With ``force`` an older run is replaced, but nothing that
            is not a run.
    """
    storage.check_free(path, "a run", _is_run, force=force)


def _is_run(path: Path) -> bool:
    try:
        stored = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stored, dict) and {"format", "recipe", "config"} <= stored.keys()


def open_run(path: str | Path) -> Run:
    """Open a run folder.

    Raises:
        RunError: it is missing, not a run, damaged, written by a newer package, or made by a
            recipe that is not registered.
    """
    path = Path(path)
    if not os.path.isdir(path):  # unlike Path's, it answers no where it may not look
        raise RunError(f"There is no run folder {path}.")
    if not os.path.isfile(path / "config.json"):
        raise RunError(f"{path} is not a run folder: it has no config.json.")
    stored = _read_json(path / "config.json")
    number, name = stored.get("format"), stored.get("recipe")
    if isinstance(number, int) and number > FORMAT:
        raise RunError(
            f"Run {path} has format {number}; this package knows formats up to {FORMAT}. "
            "Update fashion_zoo."
        )
    whole = isinstance(stored.get("config"), dict)
    if number != FORMAT or not whole or not isinstance(name, str):
        raise RunError(f"{path} is not a run folder: its config.json is not a run's.")
    try:
        entry = recipe(name)
        return Run(path, entry.name, override(entry.config, stored["config"]))
    except ConfigError as error:
        raise RunError(
            f"Run {path} cannot be opened: {error} If the recipe is your own, name its file "
            "with --import."
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged: expected a JSON object.")
    return value
