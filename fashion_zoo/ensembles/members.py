"""The runs of an ensemble: opened, compared, and asked for their predictions."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.data import Dataset, Description, class_counts
from fashion_zoo.ensembles.choosing import predicted
from fashion_zoo.ensembles.values import Members
from fashion_zoo.errors import ConfigError, DataError, RunError
from fashion_zoo.language.arguments import received
from fashion_zoo.language.wording import counted
from fashion_zoo.runs import Run, check_finished, dataset_of, open_run, snapshots_of

if TYPE_CHECKING:
    import keras

_SHOWN = 12  # of a digest in a message
_SAME = {
    "class_names": "class names",
    "image_shape": "image shape",
    "invert": "inversion",
    "digest": "digest of the training and validation images",
    "test_digest": "digest of the test images",
}


def open_members(runs: Any, snapshots: bool = False) -> list[Run]:
    """Open at least two different runs that have a model, or the snapshots of some runs.

    Raises:
        ConfigError: if it is no list of two or more different runs, or there are not two members.
        RunError: if one is not a run, is not trained to its end, or has no model or no snapshots.
    """
    several = isinstance(runs, list | tuple) and not hasattr(runs, "__fspath__")
    fewest = 1 if snapshots else 2
    if not several or len(runs) < fewest:
        given = f"{len(runs)}" if several else received(runs)
        raise ConfigError(
            f"ensemble takes a list of at least {counted(fewest, 'run')}, received {given}."
        )
    opened = [open_run(one) for one in runs]
    for place, run in enumerate(opened):
        for other in opened[:place]:
            if os.path.samefile(run.path, other.path):
                raise ConfigError(f"Each member is named once, received {run.path} twice.")
    if snapshots:
        opened = [one for run in opened for one in snapshots_of(run)]
        if len(opened) < 2:
            raise ConfigError(
                f"An ensemble has at least 2 members, received {name_of(opened[0])} alone."
            )
    for member in opened:
        member.check_model()
        check_finished(member)
    return opened


def name_of(member: Run) -> str:
    """Return what messages and ``config.json`` call a member: its run, or a snapshot's file."""
    trained = member.model_name == Run.model_name
    return str(member.path if trained else member.model_file)


def check_members(runs: Sequence[Run], data: Any = None) -> None:
    """Check that runs were trained on the same images; ``data`` are theirs if they were arrays.

    Raises:
        DataError: if two differ in the classes, the image shape or the digests.
    """
    first, *others = (_described(run, data) for run in runs)
    for run, other in zip(runs[1:], others, strict=True):
        for field, words in _SAME.items():
            own, known = getattr(other, field), getattr(first, field)
            unknown = field == "test_digest" and None in (own, known)
            if own != known and not unknown:
                raise DataError(
                    f"{run.path} is of other images than {runs[0].path}: {words} {_text(own)}, "
                    f"not {_text(known)}. An ensemble takes runs that were trained and validated "
                    "on the same ones."
                )


def _described(run: Run, data: Any) -> Description:
    """Return the description of the images of a run, which are read if it has no digest."""
    return run.data if run.data.digest else dataset_of(run, data).describe()


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        names = all(isinstance(one, str) for one in value)
        shown = ", ".join(value) if names else str(value)
        return shown if len(shown) < 200 else f"{len(value)} others"
    return str(value)[:_SHOWN]


def members_of(runs: Sequence[Run], dataset: Dataset) -> Members:
    """Predict the validation images with each run, and return the members."""
    validation = dataset.validation
    found = [predicted(_functional(run), validation.images) for run in runs]
    for run, one in zip(runs, found, strict=True):
        if not np.isfinite(one).all():
            raise RunError(
                f"{run.model_file} has outputs that are not finite, so it cannot be part of an "
                "ensemble. Train it again, or leave it out."
            )
    return Members(
        [*map(name_of, runs)],
        np.stack(found),
        np.asarray(validation.labels, "int64"),
        validation.images,
        lambda place: _functional(runs[place]),
        lambda model: _batches(runs[0], dataset, model),
        lambda: np.stack([correct_of(run, dataset) for run in runs]),
    )


def correct_of(run: Run, dataset: Dataset) -> np.ndarray:
    """Return which training images, as they are, a run classifies correctly, (images,) bool."""
    images, labels = dataset.train
    return predicted(_functional(run), images).argmax(axis=1) == labels


def _functional(run: Run) -> "keras.Model":
    """Load the model of a run; raises RunError if its layers cannot be part of another one."""
    model = run.load_model()
    if not getattr(model, "inputs", None):
        raise RunError(
            f"{run.model_file} is not a functional model, so it cannot be part of an ensemble."
        )
    return model


def _batches(run: Run, dataset: Dataset, model: "keras.Model") -> Iterable[Any]:
    """Return images of training batches, augmented as for this run, in the shape of a model."""
    from fashion_zoo.training.averaging import statistics_batches
    from fashion_zoo.training.fit import make_pipeline
    from fashion_zoo.training.plan import plan

    planned = plan(run.config, class_counts(dataset))
    return statistics_batches(make_pipeline(model, planned, dataset), planned, 0)
