"""Evaluation on the test images: the one place that uses their labels."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fashion_zoo import storage
from fashion_zoo.data import Dataset, load, reshape
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
        images: (n, height, width), 0..255.

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


def measure_test(model, data: Dataset) -> Evaluation:
    """Measure a model of no run on all test images.

    Args:
        model: takes pixels, returns logits.
        data: the images.

    Returns:
        What ``measure`` returns.

    Raises:
        DataError: a test file is damaged.
    """
    logits = _logits(model, data.test.images)
    return Evaluation(measure(logits, data.test.labels, data.class_names))


def evaluate_run(
    run: Run, show: Callable[[dict[str, Any]], None] = lambda found: None
) -> Evaluation:
    """Evaluate a run's saved model on all test images.

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
    data = load(run.config.data)
    logits = _logits(model, data.test.images)
    found = Evaluation(measure(logits, data.test.labels, data.class_names))
    show(found)
    storage.write_json(run.path / "evaluation.json", found)
    _draw(run, found, softmax(logits, axis=1), data)
    return found


def _draw(run: Run, found: dict[str, Any], predictions: np.ndarray, data: Dataset) -> None:
    matrix, accuracy = np.array(found["confusion"]), found["accuracy"]
    interval = accuracy["low"], accuracy["high"]
    images = counted(found["images"], "test image")
    caption = f"{run.said}; {data.origin.dataset}, {images}."
    pictures = {
        "confusion.png": lambda: plots.confusion(
            matrix, data.class_names, interval=interval, caption=caption
        ),
        "reliability.png": lambda: plots.reliability(found["bins"], found["ece"], caption=caption),
        "errors.png": lambda: _mistakes(predictions, data, caption),
    }
    for name, make in pictures.items():
        figures.try_save(run.path / name, make)


def _mistakes(predictions: np.ndarray, data: Dataset, caption: str):
    images, labels = data.test
    predicted, confidence = predictions.argmax(axis=1), predictions.max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:_SHOWN]
    return plots.errors(
        images[worst],
        [data.class_names[label] for label in labels[worst]],
        [data.class_names[label] for label in predicted[worst]],
        confidence[worst].tolist(),
        indices=data.positions.test[worst].tolist(),
        caption=f"{caption} {counted(len(wrong), 'mistake')} in all.",
    )
