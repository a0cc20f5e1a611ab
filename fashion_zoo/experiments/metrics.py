"""What an experiment measures of a run."""

from collections.abc import Callable, Sequence
from typing import Any

from fashion_zoo.errors import ConfigError
from fashion_zoo.runs import Run


def validation_accuracy(run: Run) -> float:
    """Return the accuracy on the validation images, a fraction."""
    return run.read_json("training.json")["validation_accuracy"]


def test_accuracy(run: Run) -> float:
    """Return the accuracy on the test images, a fraction; never select by it."""
    return run.result("evaluation")["accuracy"]["value"]


def validation_loss(run: Run) -> float:
    """Return the mean cross-entropy of the validation images, in nats, without any penalty.

    It is of the weights that were kept, as the accuracy is.
    """
    return run.read_json("training.json")["validation_loss"]


def seconds(run: Run) -> float:
    """Return the seconds of the training, without evaluation and export."""
    return run.read_json("training.json")["seconds"]


def correct(run: Run) -> str | None:
    """Return which test images are classified correctly, as text; None if it is not known.

    An older evaluation does not have it; see ``fashion_zoo.evaluation.paired.packed``.
    """
    return run.result("evaluation").get("correct")


def measures(
    metrics: Sequence[Callable[[Run], Any]] | None, *, chooses: bool
) -> tuple[Callable[[Run], Any], ...]:
    """Return the metrics of an experiment, by default ``CHOICE`` if it chooses, else ``METRICS``.

    Raises:
        ConfigError: if it chooses by the test images.
    """
    if metrics is None:
        return CHOICE if chooses else METRICS
    if chooses and test_accuracy in metrics:
        raise ConfigError(
            "An experiment that chooses does not evaluate the test images. Leave test_accuracy out "
            "of its metrics, or set chooses=False."
        )
    return tuple(metrics)


METRICS = (validation_accuracy, test_accuracy, seconds)
CHOICE = (validation_accuracy, validation_loss, seconds)
"""Metrics of an experiment that chooses; see ``Experiment.chooses``."""
