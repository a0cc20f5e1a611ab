"""The run of a teacher: whether it is the one of a training, and knows its images."""

from pathlib import Path
from typing import Any

from fashion_zoo.config.distillation import DistillationConfig, digest_of
from fashion_zoo.data import Dataset
from fashion_zoo.errors import ConfigError, Hint, Message, RunError, advice
from fashion_zoo.runs.places import check_finished
from fashion_zoo.runs.run import Run, open_run


def check_teacher(chosen: DistillationConfig, data: Dataset, *, folds: int = 0) -> None:
    """Check, without loading it, that the teacher of a training is there and knows its images.

    Raises:
        RunError: if it is no run, or has no model.
        ConfigError: if it is another model than in the settings, or of other classes or images; or
            if ``folds`` of the training images are held out, which it has seen.
    """
    if not chosen.enabled:
        return
    if folds:
        raise ConfigError(
            f"Cross-validation needs models that have not seen a fold, and the teacher "
            f"{chosen.teacher} has. Set ",
            Hint("folds", 0),
            ", or leave out ",
            Hint("training.distillation.teacher"),
            ".",
        )
    run, own = open_teacher(chosen), data.describe(read=False)
    known = run.data
    pairs = {
        "classes": (known.class_names, own.class_names),
        "images of shape": (known.image_shape, own.image_shape),
        "data.invert": (known.invert, own.invert),
    }
    for what, (its, ours) in pairs.items():
        if its != ours:
            raise ConfigError(
                f"The teacher {run.path} was trained on {what} {_words(its)}, and the data has "
                f"{_words(ours)}. Choose a teacher of the same classes and images."
            )


def _words(value: Any) -> str:
    named = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    return ", ".join(value) if named else str(value)


def open_teacher(chosen: DistillationConfig) -> Run:
    """Open the run of a teacher, and check that its model is still that of the settings."""
    folder, again = Path(str(chosen.teacher)), Hint("training.distillation.teacher", "FOLDER")
    moved = Message("If the teacher has moved, name it again: ", again, ".")
    with advice(lambda error: moved if isinstance(error, RunError) else None):
        run = open_run(folder)
        run.check_model()
    check_finished(run)
    if (now := digest_of(folder, role="The teacher")) != chosen.digest:
        raise ConfigError(
            f"The teacher {folder} is not the one of this training: the digest of its model.keras "
            f"is {now}, and was {chosen.digest}. Put that model back, or set ",
            Hint("training.distillation.digest"),
            " to none in a new training.",
        )
    return run
