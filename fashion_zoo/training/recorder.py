"""The files that a run gets after each epoch, and the checkpoint that a training starts from."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

import fashion_zoo.training.checkpoint as checkpoints
from fashion_zoo import runs, storage
from fashion_zoo.callbacks.stopping import Stateful
from fashion_zoo.config import renames
from fashion_zoo.config.overrides import differences
from fashion_zoo.data import Dataset
from fashion_zoo.errors import Hint, RunError
from fashion_zoo.language.wording import counted
from fashion_zoo.runs import Run
from fashion_zoo.show import streams
from fashion_zoo.training.checkpoint import Checkpoint, check

_MOVING = ("folder", "exclude")  # paths that may have moved; the images have a digest


class Recorder(Stateful, keras.callbacks.Callback):
    """Write a checkpoint, ``history.csv`` and ``timing.csv`` after each epoch.

    It is the last callback, so that it sees all that the others logged and decided. Times have a
    file of their own, so that two trainings with the same seed have the same history file.
    """

    saved = ("rows", "times")

    def __init__(
        self,
        run: Run,
        images_per_step: int,
        start: Checkpoint | None = None,
        identity: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.run = run
        self.images_per_step = images_per_step
        self.start = start
        self.identity = identity
        self.others: Sequence[keras.callbacks.Callback] = ()
        self.required: Sequence[keras.callbacks.Callback] = ()
        self.rows: list[dict] = []
        self.times: list[dict] = []
        self.began = self.trained = 0.0

    def on_train_begin(self, logs=None):
        if self.start:  # the others have just reset their state
            required = () if self.start.forked else self.required
            missing = checkpoints.restore_callbacks(
                [self, *self.others], self.start.callbacks, required
            )
            if missing and not self.start.forked:
                streams.say(
                    f"{self.run.path} has the state of {', '.join(missing)}, which is not among "
                    "the callbacks now: training resumes without it."
                )
            if self.start.forked:  # so that it is resumed without the origin
                self._save(self.start.epochs)
            else:
                self.run.prune_checkpoints(self.start.epochs)  # a kill may have prevented it
            self._write_tables()

    def on_epoch_begin(self, epoch, logs=None):
        self.began = self.trained = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.trained = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        images = self.params["steps"] * self.images_per_step
        ended = time.perf_counter()
        times = {
            "epoch": epoch + 1,
            "seconds": round(ended - self.began, 3),
            "images_per_second": round(images / (self.trained - self.began)),
            "state_seconds": None,  # known once the checkpoint, which has this row, is written
        }
        self.rows.append({"epoch": epoch + 1, **{name: float(x) for name, x in logs.items()}})
        self.times.append(times)
        self._save(epoch + 1)
        times["state_seconds"] = round(time.perf_counter() - ended, 4)
        self._write_tables()

    def _save(self, epochs: int) -> None:
        # Itself first: a callback of the caller may have the same name.
        data = checkpoints.capture(self.model, [self, *self.others], epochs, self.identity)
        self.run.save_checkpoint(epochs, data)

    @staticmethod
    def check_rows(kept: Any, epochs: int) -> None:
        """Raise a ValueError if its state in a checkpoint is not a row of numbers per epoch."""
        check(isinstance(kept, dict) and kept.keys() == set(Recorder.saved))
        for rows in kept.values():
            check(isinstance(rows, list) and all(isinstance(row, dict) for row in rows))
            check([row.get("epoch") for row in rows] == list(range(1, epochs + 1)))
            check(all(_is_number(value) for row in rows for value in row.values()))
        check(all(_is_number(row.get("seconds"), none=False) for row in kept["times"]))

    def _write_tables(self) -> None:
        storage.write_table(self.run.to_write("history.csv"), self.rows)
        storage.write_table(self.run.to_write("timing.csv"), self.times)


def _is_number(value: Any, *, none: bool = True) -> bool:
    return (value is None and none) or type(value) in (int, float)


def identity(run: Run, dataset: Dataset | None = None) -> dict[str, Any]:
    """Return the identity of a run in its checkpoints: recipe, settings with the seed, data."""
    stored = runs.as_stored(run.config)
    for name in _MOVING:
        stored["data"].pop(name)
    stored["training"]["distillation"].pop("teacher")  # whose model has a digest
    stored["training"]["weighting"].pop("file")  # which has one, too
    data = {"data": dataset.digest} if dataset else {}
    return {"recipe": run.recipe, "config": stored, **data}


def load_checkpoint(run: Run, expected: Mapping[str, Any]) -> Checkpoint | None:
    """Return the newest whole checkpoint of a run, None before the first.

    ``expected`` is ``identity``, or a part of it. A checkpoint of another run or of a newer version
    raises RunError, and so do files of which none is whole.
    """

    def read(data: bytes, number: int) -> Checkpoint:
        found = checkpoints.parse(data)
        check(found.epochs == number <= run.config.training.epochs)
        Recorder.check_rows(found.callbacks.get(Recorder.__name__), found.epochs)
        if found.run is None:
            streams.say(
                f"{run.checkpoint_file(number)} was written by an older version and does not name "
                "its run. It is taken for this run's."
            )
        else:
            _check_belongs(run, number, found.run, expected)
        return found

    return run.load_checkpoint(read)


def _check_belongs(
    run: Run, number: int, found: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    config: Any = found.get("config")
    check(isinstance(config, dict) and {"model", "data", "training", "seed"} <= config.keys())
    changed = [
        f"{name}: {found.get(name)!r}, now {expected[name]!r}"
        for name in ("recipe", "data")
        if name in expected and found.get(name) != expected[name]
    ]
    data = config.get("data")
    if isinstance(data, dict):
        own = renames.current(run.config.data, data)
        config = {**config, "data": {key: one for key, one in own.items() if key not in _MOVING}}
    for section in ("model", "training"):
        if isinstance(config[section], dict):
            now = renames.current(getattr(run.config, section), config[section])
            config = {**config, section: now}
    changed += differences(config, runs.as_stored(run.config), shared=True)
    if changed:
        raise RunError(
            f"{run.checkpoint_file(number)} is of another run: {'; '.join(changed)}. Remove it to "
            "resume from the checkpoint before it, or from the beginning if it is the only one."
        )


def fork_checkpoint(path: str | Path, epochs: int) -> Checkpoint:
    """Return the checkpoint of another run, for a new one of so many epochs to start from.

    Raises:
        RunError: as ``load_checkpoint``; or if there is none, nothing would be left to train, or
            it is an ensemble.
    """
    origin = runs.open_run(path)
    runs.check_trained(origin)
    found = load_checkpoint(origin, identity(origin))
    if found is None:
        raise RunError(f"{path} has no checkpoint to fork from: no epoch of it is complete.")
    if found.epochs >= epochs:
        raise RunError(
            f"{path} has trained {counted(found.epochs, 'epoch')}, so a fork of {epochs} has "
            "nothing left to train. Set ",
            Hint("training.epochs"),
            f" above {found.epochs}.",
        )
    # A fork keeps weights, optimizer and history; the other callbacks counted another training.
    own = {Recorder.__name__: found.callbacks[Recorder.__name__]}
    return found._replace(stopped=False, callbacks=own, forked=True)
