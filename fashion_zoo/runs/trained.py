"""Config and images of a run, and the result of a training."""

import contextlib
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fashion_zoo.config import DataConfig, RunConfig
from fashion_zoo.data import Dataset, Positions, load
from fashion_zoo.errors import Call, DataError, Hint, Message, RunError, advice
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.language.wording import counted
from fashion_zoo.registry import recipe
from fashion_zoo.runs.places import check_same, check_trained
from fashion_zoo.runs.positions import POSITIONS, read_positions
from fashion_zoo.runs.run import Run, open_run
from fashion_zoo.runs.stored import is_run

if TYPE_CHECKING:
    import keras

_DIGITS = 12  # of a digest in a message


@checked
def stored_config(
    name: str, resume: AnyPath | None = None, fork: AnyPath | None = None
) -> RunConfig:
    """Return the config of the run to resume, else of the run to fork, else of the recipe.

    Args:
        name: a registered recipe.
        resume: the run folder to resume, if there is a run.
        fork: the run to fork.

    Raises:
        RunError: if the run cannot be read, is of another recipe, or is an ensemble.
    """
    source = resume if resume is not None and is_run(Path(resume)) else fork
    if source is None:
        return recipe(name).config
    run = open_run(source)
    check_trained(run)
    if run.recipe != name:
        raise RunError(f"{source} is a run of {run.recipe}, not of {name}.")
    return run.config


def dataset_of(run: Run, given: Any = None) -> Dataset:
    """Return the data set that a run was trained on.

    If it was arrays, it must be ``given`` again, as ``data.load`` takes it; so may be files that
    have moved. Other images raise DataError.
    """
    config, stored = run.config.data, run.path / POSITIONS
    with naming_again(config.source if given is None else ""):
        found = load(given, like=dataclasses.replace(config, exclude=None))
    if config.exclude is not None and stored.exists():  # the file may have changed, or is gone
        found = _at(found, config, read_positions(stored))
    if given is not None or found.in_memory:  # Fashion-MNIST is verified as it is read
        check_images(run, found)
    names = run.data.class_names
    return found if found.class_names == names else dataclasses.replace(found, class_names=names)


def naming_again(source: str) -> contextlib.AbstractContextManager[None]:
    """Tell below an error of reading a source of paths how to name files that have moved."""
    note = Message("If the files have moved, name them again: ", Hint("data.source", "PATH"), ".")
    return advice(lambda error: note if isinstance(error, DataError) and "(" in source else None)


def _at(found: Dataset, config: DataConfig, positions: Positions) -> Dataset:
    """Return a data set with the training and validation images of a run."""
    count = max((int(part.max()) for part in positions[:2] if part.size), default=0)
    if count >= len(found.read("train").labels):
        raise RunError(f"{POSITIONS} of the run has positions of images that are not there.")
    used = found.positions._replace(train=positions.train, validation=positions.validation)
    origin = dataclasses.replace(config, exclude=None, limit=None, long_tail=None)
    return dataclasses.replace(found, origin=origin, positions=used)


def check_images(run: Run, found: Dataset) -> None:
    """Check that a data set is the one that a run was trained on; raises DataError otherwise."""
    if run.stored_data is None and found.origin == run.config.data:
        return  # an older run stored no more to compare
    known = run.stored_data or load(run.config.data).describe()
    now = found.describe()
    same_test = known.test_digest in (None, now.test_digest)
    if now.digest != known.digest or not same_test:
        what = "train and validate" if now.digest != known.digest else "test"
        old, new = known.digest, now.digest
        if what == "test":
            old, new = known.test_digest, now.test_digest
        raise DataError(
            f"{run.path} was trained on other images than these: the digest of those that {what} "
            f"is {str(new)[:_DIGITS]}, and was {str(old)[:_DIGITS]}. Give the same again; its "
            "model can be measured on others: evaluate(run.load_model(), data=...)."
        )


class Trained(NamedTuple):
    """Result of ``train``."""

    run: Run
    """The run folder."""
    training: dict[str, Any]
    """``training.json``."""
    evaluation: dict[str, Any] | None
    """Result of the evaluation; None without one."""
    parity: dict[str, Any] | None
    """Comparison of the export with the model; None without export."""

    def __fspath__(self) -> str:
        """Return the run folder, so that this can be passed wherever a path is taken."""
        return str(self.run.path)

    def __repr__(self) -> str:
        return repr(self.run)

    def _repr_html_(self) -> str:
        return self.run._repr_html_()

    @property
    def model(self) -> "keras.Model":
        """The trained model, loaded from the run."""
        return self.run.load_model()

    @property
    def history(self) -> dict[str, list[float]]:
        """The columns of ``history.csv``: name to one value per epoch."""
        return self.run.history()


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C ended a training; its whole epochs are kept, and its model is saved as it was then.

    An exception, so that nothing after ``train`` uses a model whose training is not complete.
    """

    def __init__(self, trained: Trained):
        done, kept = trained.training["epochs"], trained.training.get("weights_of_epoch")
        of = f"epoch {kept}" if kept else f"the interruption, in epoch {done + 1}"
        begins = f"after {counted(done, 'whole epoch')}" if done else "from its beginning"
        super().__init__(
            f"Interrupted in epoch {done + 1}. The saved model has the weights of {of}; training "
            f"resumes {begins}."
        )
        self.trained = trained
        """The result so far."""
        hints = (Hint("run_dir", str(trained.run.path)), Hint("resume", True))
        call = Call("train", (trained.run.recipe,), hints)
        self.add_note(Message(f"{self} Resume with: ", call))


def finished(path: Path, name: str, config: RunConfig, results: Iterable[str]) -> Trained | None:
    """Return the result of a run to resume if it is complete, without loading Keras.

    The run must have this recipe and config, and ``results`` such as ``"evaluation"``.
    """
    if not is_run(path):
        return None
    run = open_run(path)
    check_same(run, name, config)
    if config.data.source != run.config.data.source:  # whose images are compared first
        return None
    missing = any(run.result(word) is None for word in results)
    if missing or not run.finished or not (path / "curves.png").exists():
        return None
    return Trained(run, run.read_json("training.json"), None, None)
