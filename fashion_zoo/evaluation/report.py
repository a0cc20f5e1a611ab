"""Evaluation on the test images, by whose labels nothing is trained or selected."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fashion_zoo import storage
from fashion_zoo.data import Dataset
from fashion_zoo.errors import DataError
from fashion_zoo.evaluation import metrics
from fashion_zoo.evaluation.metrics import measure
from fashion_zoo.evaluation.paired import packed
from fashion_zoo.evaluation.predict import logits_of, run_or_model
from fashion_zoo.evaluation.suspects import read_suspects, without
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.machine.devices import releasing
from fashion_zoo.runs import Run, dataset_of
from fashion_zoo.runs.stored import RESULTS, Result
from fashion_zoo.show import figures, pages, plots
from fashion_zoo.show.waiting import Progress, paused, waiting

Show = Callable[[dict[str, Any]], None]

_SHOWN = 20  # mistakes in errors.png


class Evaluation(Result):
    """The content of ``evaluation.json``; see ``fashion_zoo.evaluation.measure``."""

    file = "evaluation.json"
    files = ("evaluation.json", "confusion.png", "reliability.png", "errors.png")
    shape: ClassVar[dict[str, Any]] = {
        "images": int,
        "accuracy": {"value": float, "low": float, "high": float},
        "balanced_accuracy?": {"value": float, "low": float, "high": float},
        "worst_recall?": {"value": float, "low": float, "high": float, "class": str},
        "nll": float,
        "brier": float,
        "ece": float,
        "classes": [{"name": str, "precision": float, "recall": float, "f1": float}],
        "without_suspects?": {
            "suspects": int,
            "images": int,
            "accuracy": {"value": float, "low": float, "high": float},
        },
        "correct?": str,
    }
    missing = "not evaluated on the test images"

    def __repr__(self) -> str:
        try:
            hardest = min(self["classes"], key=lambda row: row["f1"])
            return pages.lines(
                self.summary,
                self.without_suspects,
                self.balance,
                ", ".join(f"{title} {number}" for title, number in self.scores.items()),
                f"hardest class {hardest['name']}, F1 {hardest['f1']:.3f}",
            )
        except (KeyError, TypeError, ValueError):  # an incomplete or edited file
            return super().__repr__()

    @property
    def scores(self) -> dict[str, str]:
        """Title and text of each metric that is one number."""
        return {
            line.partition(":")[0]: f"{self[word]:.4f}"
            for word, line in metrics.WORDS.lines().items()
            if isinstance(self.get(word), float)
        }

    @property
    def summary(self) -> str:
        """The accuracy with its interval, in words."""
        return f"test {_accuracy(self)}"

    @property
    def without_suspects(self) -> str:
        """The accuracy without the suspects of an audit, in words; empty if none were given."""
        if not (found := self.get("without_suspects")):
            return ""
        return f"without {counted(found['suspects'], 'suspect')}: {_accuracy(found)}"

    @property
    def balance(self) -> str:
        """Balanced accuracy and worst recall in words; empty if classes have equally many images.

        Then balanced accuracy is accuracy.
        """
        found, worst = self.get("balanced_accuracy"), self.get("worst_recall")
        if not found or not worst or len({row.get("images") for row in self["classes"]}) < 2:
            return ""
        return (
            f"balanced accuracy {percent(found['value'])} (95 % interval "
            f"{percent(found['low'])} to {percent(found['high'])}), "
            f"worst recall {percent(worst['value'])} ({worst['class']})"
        )

    def _repr_html_(self) -> str:
        rows = [
            [row["name"], *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))]
            for row in self.get("classes", ())
        ]
        return pages.cell(repr(self), pages.table(["class", "precision", "recall", "F1"], rows))


def _accuracy(measured: Mapping[str, Any]) -> str:
    """Return the accuracy of a measurement in words, with its interval and number of images."""
    found = measured["accuracy"]
    return (
        f"accuracy {percent(found['value'])} (95 % interval {percent(found['low'])} to "
        f"{percent(found['high'])}, {measured['images']:,} images)"
    )


RESULTS.register(Evaluation, "evaluation")


@checked
@releasing()
def evaluate(
    run: Any,
    *,
    data: Any = None,
    suspects: Place | None = None,
    show: Show | None = None,
    progress: Progress = "auto",
) -> Any:
    """Evaluate on the test images; see ``fashion_zoo.evaluation.measure``.

    Args:
        run: a run: its folder, or the result of ``open_run`` or ``train``. Writes evaluation.json
            and three pictures into its folder. Or a model that takes pixels and returns logits; or
            a list of these.
        data: of a model the images, by default Fashion-MNIST; of a run that was trained on arrays
            the same arrays again. See ``fashion_zoo.data.load``.
        suspects: the folder of an audit of these images, or a file of positions of test images:
            the accuracy without them is measured as well.
        show: called with the numbers before anything is written into a run.
        progress: show progress on a terminal: True, False, or "auto".

    Returns:
        A dictionary of the measured numbers; for a list a list of them.

    Raises:
        RunError: if it is not a run, or has no model.
        ConfigError: if it is something else, or a model of other images or classes; or if a run
            was trained on arrays that are not given again.
        DataError: if a run was trained on other images than those given, or ``suspects`` are not
            positions of its test images.
        StorageError: if the run folder cannot be written.
    """
    if suspects is not None and not Path(suspects).exists():
        raise DataError(f"There is no audit and no file of test images at {suspects}.")
    if isinstance(run, list | tuple) and not hasattr(run, "__fspath__"):
        more: dict[str, Any] = {"suspects": suspects, "show": show, "progress": progress}
        return [evaluate(one, data=data, **more) for one in run]
    opened, known = run_or_model("evaluate", ", one or a list of them", run, data)
    if not isinstance(known, Dataset):
        with waiting("Evaluating on the test images", progress):
            return evaluate_run(opened, show or (lambda found: None), data, suspects)
    found = measure_test(opened, known, suspects)
    if show:
        show(found)
    return found


def measure_test(model, data: Dataset, suspects: Any = None) -> Evaluation:
    """Measure a model that is not in a run on all test images; see ``evaluate``."""
    return _measure(model, data, suspects)[0]


def _measure(model, data: Dataset, suspects: Any) -> tuple[Evaluation, np.ndarray]:
    """Return also the logits of the test images."""
    place = None if suspects is None else Path(suspects)
    suspected = None if place is None else read_suspects(place, data)  # before what takes longer
    logits = logits_of(model, data.test.images)
    found = Evaluation(measure(logits, data.test.labels, data.class_names))
    if suspected is not None and place is not None:
        found["without_suspects"] = without(suspected, logits, place, data)
    correct = logits.argmax(axis=1) == data.test.labels
    found["correct"] = packed(correct, data.test_digest)
    return found, logits


def evaluate_run(
    run: Run,
    show: Show = lambda found: None,
    given: Any = None,
    suspects: Any = None,
    draw: bool = True,
) -> Evaluation:
    """Evaluate the model of a run; see ``evaluate``. ``given`` are its images, if arrays.

    A picture that cannot be drawn is a warning; ``draw`` is whether there are any.
    """
    from scipy.special import softmax

    model = run.load_model()
    found, logits = _measure(model, data := dataset_of(run, given), suspects)
    with paused("Drawing the pictures"):
        show(found)
    storage.write_json(run.path / Evaluation.file, found)
    if draw:
        _draw(run, found, softmax(logits, axis=1), data)
    return found


def _draw(run: Run, found: Evaluation, predictions: np.ndarray, data: Dataset) -> None:
    matrix = np.array(found["confusion"])
    images = counted(found["images"], "test image")
    caption = f"{run.caption}; {data.origin.title}, {images}."
    pictures = {
        "confusion.png": lambda: plots.confusion(
            matrix, data.class_names, found.summary, caption=caption
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
