"""Seconds of training to an accuracy: fixed schedules beside the tutorial's network."""

import itertools
import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from fashion_zoo import experiments
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Experiment, Measured, columns, page as pages
from fashion_zoo.registry import recipe
from fashion_zoo.runs import Run

TUTORIAL_EPOCHS = 10


def timing(run: Run) -> dict[str, Any]:
    """Return the seconds of a training, and what they are of."""
    return steady([row["seconds"] for row in pages.read_rows(run.path / "timing.csv")])


def steady(epochs: Sequence[float]) -> dict[str, Any]:
    """Return the seconds of epochs, all but the first of which count as their median.

    So the tracing of the graph counts, and a moment in which the machine is busy does not.
    """
    first, *others = epochs
    seconds = first + len(others) * (statistics.median(others) if others else 0)
    return {
        "seconds": round(seconds, 2),
        "timing": "the first epoch and the median of the others",
    }


def against_tutorial(measured: Measured, arm: str) -> str | None:
    """Return the median and the quartiles of the ratios to the tutorial's seconds, seed by seed."""
    own, base = (measured.by_arm.get(name, {}) for name in (arm, "tutorial"))
    found = [own[seed]["seconds"] / base[seed]["seconds"] for seed in own if seed in base]
    if arm == "tutorial" or len(found) < 2:
        return None
    low, middle, high = statistics.quantiles(found, n=4, method="inclusive")
    return f"{middle:#.3g} ({low:#.3g} to {high:#.3g})"


def schedule(level: int, name: str, **changes: Any) -> Arm:
    """Return the schedule that is to classify this percentage of the test images correctly.

    It was chosen on the validation images, with a margin of one to two points, by which the test
    accuracies are lower, most of all after few epochs.
    """
    config = override(recipe(name).config, changes)
    training, units = config.training, "-".join(map(str, config.model.hidden_units))
    words = (
        f"{level} %: `{name}`, {units}, {training.epochs} epochs, batches of "
        f"{training.batch_size}, policy {training.augmentation.replace('|', 'then')}"
    )
    return Arm(words, name, changes, place=f"{name}-{level}" if changes else name)


def tutorial(seed: int, dataset: Dataset) -> dict[str, float]:
    """Train the network of TensorFlow's beginner tutorial: 784-128-10, Adam, ten epochs.

    Source: Basic classification, https://www.tensorflow.org/tutorials/keras/classification. There
    it is trained on all 60,000 images, here on those of the other schedules.
    """
    import keras
    from keras import layers

    from fashion_zoo.evaluation import measure_test

    # Keras draws the seeds of its kernels from Python's generator. TensorFlow's global seed stays
    # unset: with it, fit would shuffle every epoch into the same order.
    random.seed(seed)
    hidden, logits = layers.Dense(128, activation="relu"), layers.Dense(10)
    net = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), hidden, logits])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    images, validation = (part.images / 255.0 for part in (dataset.train, dataset.validation))
    ends = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    net.fit(images, dataset.train.labels, epochs=TUTORIAL_EPOCHS, verbose=0, callbacks=[clock])
    whole = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), net])
    return {
        "validation_accuracy": net.evaluate(validation, dataset.validation.labels, verbose=0)[1],
        "test_accuracy": measure_test(whole, dataset)["accuracy"]["value"],
        **steady([end - begin for begin, end in itertools.pairwise(ends)]),
    }


EXPERIMENT = Experiment(
    name="seconds",
    question="How many seconds of training reach 88, 89, 90 or 91 % of the test images?",
    arms=lambda: [
        schedule(88, "bn_mlp.quick", training={"epochs": 3}),
        schedule(89, "bn_mlp.quick", training={"epochs": 4}),
        schedule(90, "bn_mlp.quick"),
        schedule(91, "bn_mlp.large", training={"epochs": 40}),
        Arm("tutorial", program=tutorial),
    ],
    metrics=(experiments.validation_accuracy, experiments.test_accuracy, timing),
    columns=[
        columns.name("schedule", code=lambda arm: False),
        columns.value("seconds", "seconds", ".1f", POSITIVE, right=True),
        columns.Column("times the tutorial's", against_tutorial, right=True),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
    ],
    note="Mean over {seeds} with {interval}, of seconds on the logarithmic one; median of the "
    "ratios by seed, with the quartiles. Seconds are of {timing}. {machine} `{command}` reproduces "
    "the table.",
    seeds=5,
    page="docs/seconds.md",
)
