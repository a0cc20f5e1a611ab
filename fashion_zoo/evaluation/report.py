"""Evaluation on the test images: the one place that uses their labels."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fashion_zoo import storage
from fashion_zoo.config import DataConfig
from fashion_zoo.data import CLASS_NAMES, Images, load_part, reshape
from fashion_zoo.evaluation.metrics import measure
from fashion_zoo.language.wording import counted
from fashion_zoo.machine import precision
from fashion_zoo.runs import Evaluation, Run
from fashion_zoo.show import figures, plots

_BATCH = 1000  # images; divides 10,000, so prediction needs one shape only
_SHOWN = 20  # mistakes in errors.png


def probabilities(model, images: np.ndarray) -> np.ndarray:
    """Predict class probabilities.

    Args:
        model: takes pixels, returns logits.
        images: (n, 28, 28) uint8.

    Returns:
        (n, classes) float64; each row sums to 1.
    """
    from scipy.special import softmax

    return softmax(_logits(model, images), axis=1)


@precision.keras_defaults()
def _logits(model, images: np.ndarray) -> np.ndarray:
    """Predict logits, (n, classes) float64."""
    inputs = reshape(images, model.input_shape[1:])
    # The threads of predict's pipeline, new ones each time, leave memory behind.
    batches = (inputs[start : start + _BATCH] for start in range(0, len(inputs), _BATCH))
    # Under a strategy every replica predicts all of the batch, one behind the other.
    logits = [model.predict_on_batch(batch.astype("float32"))[: len(batch)] for batch in batches]
    return np.concatenate(logits).astype("float64")


def measure_test(model, data: DataConfig) -> Evaluation:
    """Measure a model of no run on all test images.

    Args:
        model: takes pixels, returns logits.
        data: where the images come from.

    Returns:
        What ``measure`` returns.

    Raises:
        DataError: a test file is damaged.
    """
    test = load_part("test", data.dataset, data.folder)
    return Evaluation(measure(_logits(model, test.images), test.labels, CLASS_NAMES))


def evaluate_run(
    run: Run, show: Callable[[dict[str, Any]], None] = lambda found: None
) -> Evaluation:
    """Evaluate a run's saved model on all 10,000 test images.

    Writes ``evaluation.json``, and then ``confusion.png``, ``reliability.png`` and ``errors.png``,
    into the run folder. A picture that cannot be drawn is a warning.

    Args:
        run: the run.
        show: called with the numbers before anything is written.

    Returns:
        What ``measure`` returns; the same as in ``evaluation.json``.

    Raises:
        RunError: the run has no model.
        DataError: a test file is damaged.
        StorageError: the run folder cannot be written.
    """
    from scipy.special import softmax

    model = run.load_model()
    test = load_part("test", run.config.data.dataset, run.config.data.folder)
    logits = _logits(model, test.images)
    found = Evaluation(measure(logits, test.labels, CLASS_NAMES))
    show(found)
    storage.write_json(run.path / "evaluation.json", found)
    _draw(run, found, softmax(logits, axis=1), test)
    return found


def _draw(run: Run, found: dict[str, Any], predictions: np.ndarray, test: Images) -> None:
    matrix, accuracy = np.array(found["confusion"]), found["accuracy"]
    interval = accuracy["low"], accuracy["high"]
    images = counted(found["images"], "test image")
    caption = f"{run.said}; {run.config.data.dataset}, {images}."
    pictures = {
        "confusion.png": lambda: plots.confusion(
            matrix, CLASS_NAMES, interval=interval, caption=caption
        ),
        "reliability.png": lambda: plots.reliability(found["bins"], found["ece"], caption=caption),
        "errors.png": lambda: _mistakes(predictions, test, caption),
    }
    for name, make in pictures.items():
        figures.try_save(run.path / name, make)


def _mistakes(predictions: np.ndarray, test: Images, caption: str):
    predicted, confidence = predictions.argmax(axis=1), predictions.max(axis=1)
    wrong = np.flatnonzero(predicted != test.labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:_SHOWN]
    return plots.errors(
        test.images[worst],
        [CLASS_NAMES[label] for label in test.labels[worst]],
        [CLASS_NAMES[label] for label in predicted[worst]],
        confidence[worst].tolist(),
        indices=worst.tolist(),
        caption=f"{caption} {counted(len(wrong), 'mistake')} in all.",
    )
