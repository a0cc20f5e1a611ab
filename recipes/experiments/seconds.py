"""Seconds of training to an accuracy: fixed schedules beside the tutorial's network."""

import random
import time
from typing import Any

from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Experiment, columns
from fashion_zoo.registry import recipe

TUTORIAL_EPOCHS = 10


def _schedule(level: int, name: str, changes: dict[str, Any]) -> Arm:
    """Return the schedule that shall classify ``level`` percent of the test images.

    Schedules were chosen on the validation images with one to two points to spare, since test
    accuracies are lower by that, the most after few epochs.
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
    net = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    images, validation = dataset.train.images / 255.0, dataset.validation
    start = time.perf_counter()
    net.fit(images, dataset.train.labels, epochs=TUTORIAL_EPOCHS, verbose=0)
    seconds = round(time.perf_counter() - start, 2)
    scaled = validation.images / 255.0
    reached = net.evaluate(scaled, validation.labels, verbose=0, return_dict=True)
    whole = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), net])
    return {
        "validation_accuracy": reached["accuracy"],
        "test_accuracy": measure_test(whole, dataset)["accuracy"]["value"],
        "seconds": seconds,
    }


def arms() -> list[Arm]:
    """Return a schedule for each accuracy, and the tutorial's network."""
    return [
        _schedule(88, "bn_mlp.quick", {"training": {"epochs": 3}}),
        _schedule(89, "bn_mlp.quick", {"training": {"epochs": 4}}),
        _schedule(90, "bn_mlp.quick", {}),
        _schedule(91, "bn_mlp.large", {"training": {"epochs": 40}}),
        Arm("tutorial", program=tutorial),
    ]


EXPERIMENT = Experiment(
    name="seconds",
    question="How many seconds of training reach 88, 89, 90 or 91 % of the test images?",
    arms=arms,
    columns=[
        columns.name("schedule", code=lambda arm: False),
        columns.value("seconds", "seconds", ".1f", POSITIVE, right=True),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
    ],
    note="Mean over {seeds} with {interval}, of seconds on the logarithmic one. {machine} "
    "`{command}` reproduces the table.",
    seeds=5,
    folder="runs/benchmark",
    page="docs/seconds.md",
    command="python -m recipes.benchmark seconds --seeds",
)
