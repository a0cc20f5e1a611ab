"""Evaluation on the test images: the one place that uses their labels."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from fashion_zoo import storage
from fashion_zoo.data import Dataset
from fashion_zoo.evaluation.metrics import measure
from fashion_zoo.evaluation.predict import logits_of, run_or_model
from fashion_zoo.evaluation.result import Evaluation
from fashion_zoo.language.arguments import AnyPath, checked
from fashion_zoo.language.wording import counted
from fashion_zoo.machine.devices import releasing
from fashion_zoo.runs import Run, dataset_of
from fashion_zoo.show import figures, plots
from fashion_zoo.show.waiting import paused, waiting
from fashion_zoo.show.watching import Progress

if TYPE_CHECKING:
    import keras

Show = Callable[[dict[str, Any]], None]

_SHOWN = 20  # mistakes in errors.png


@overload
def evaluate(
    run: "AnyPath | keras.Model",
    *,
    data: Any = None,
    show: Show | None = None,
    progress: Progress = "auto",
) -> dict[str, Any]: ...
@overload
def evaluate(
    run: "Sequence[AnyPath | keras.Model]",
    *,
    data: Any = None,
    show: Show | None = None,
    progress: Progress = "auto",
) -> list[dict[str, Any]]: ...
@checked
@releasing()
def evaluate(
    run: Any, *, data: Any = None, show: Show | None = None, progress: Progress = "auto"
) -> Any:
    """Evaluate on the test images; see ``fashion_zoo.evaluation.measure``.

    Args:
        run: a run: its folder, what ``open_run`` or ``train`` returned. It gets evaluation.json and
            three pictures. Or a model that takes pixels and returns logits; or a list of these.
        data: of a model the images, by default Fashion-MNIST; of a run that was trained on arrays
            the same arrays again. See ``fashion_zoo.data.load``.
        show: called with the numbers before anything is written into a run.
        progress: say on a terminal what is going on: True, False, or "auto".

    Returns:
        What was measured; for a list one of each.

    Raises:
        RunError: it is not a run, or has no model.
        ConfigError: it is something else, or a model of other images or classes; or a run's arrays
            are not given again.
        DataError: a run was trained on other images than those given.
        StorageError: the run folder cannot be written.
    """
    if isinstance(run, list | tuple) and not hasattr(run, "__fspath__"):
        return [evaluate(one, data=data, show=show, progress=progress) for one in run]
    opened, known = run_or_model("evaluate", "one or a list of them", run, data)
    if not isinstance(known, Dataset):
        with waiting("Evaluating on the test images", progress):
            return evaluate_run(opened, show or (lambda found: None), data)
    found = measure_test(opened, known)
    if show:
        show(found)
    return found


def measure_test(model, data: Dataset) -> Evaluation:
    """Measure a model of no run on all test images.

    Returns:
        What ``measure`` returns.

    Raises:
        DataError: a test file is damaged.
    """
    logits = logits_of(model, data.test.images)
    return Evaluation(measure(logits, data.test.labels, data.class_names))


def evaluate_run(
    run: Run, show: Callable[[dict[str, Any]], None] = lambda found: None, given: Any = None
) -> Evaluation:
    """Evaluate a run's saved model on all test images.

    Writes ``evaluation.json``, and then ``confusion.png``, ``reliability.png`` and ``errors.png``,
    into the run folder. A picture that cannot be drawn is a warning.

    Args:
        run: the run.
        show: called with the numbers before anything is written.
        given: its images again, where they were arrays.

    Returns:
        What ``measure`` returns; the same as in ``evaluation.json``.

    Raises:
        RunError: the run has no model.
        DataError: a test file is damaged.
        StorageError: the run folder cannot be written.
    """
    from scipy.special import softmax

    model = run.load_model()
    data = dataset_of(run, given)
    logits = logits_of(model, data.test.images)
    found = Evaluation(measure(logits, data.test.labels, data.class_names))
    with paused("Drawing the pictures"):
        show(found)
    storage.write_json(run.path / Evaluation.file, found)
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
