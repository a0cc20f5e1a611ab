"""How many seconds of training reach an accuracy: fixed schedules beside the tutorial's net."""

import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras

import recipes.benchmark.text as text
from fashion_zoo import registry, storage
from fashion_zoo.config import DataConfig, RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.evaluation import measure_test
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.show.progress import TrainingDisplay
from recipes.benchmark.measured import measure_seeds

# Percent of the test images that a schedule is to reach: the recipe, and what is changed in it.
# Chosen on the validation images, with the points to spare by which the test accuracies are lower:
# one to two, the most after few epochs.
SCHEDULES: dict[int, tuple[str, Mapping[str, Any]]] = {
    88: ("bn_mlp.quick", {"training": {"epochs": 3}}),
    89: ("bn_mlp.quick", {"training": {"epochs": 4}}),
    90: ("bn_mlp.quick", {}),
    91: ("bn_mlp.large", {"training": {"epochs": 40}}),
}
TUTORIAL_EPOCHS = 10


class Timed(NamedTuple):
    """A schedule and its trainings, each of another seed."""

    schedule: str
    """What is trained, in words."""
    seconds: tuple[float, ...]
    """Of training, imports and evaluation aside."""
    validation: tuple[float, ...]
    """Validation accuracies."""
    test: tuple[float, ...]
    """Test accuracies."""


def measure_seconds(
    seeds: int, folder: Path, display: TrainingDisplay, changes: Mapping[str, Any]
) -> list[Timed]:
    """Train every schedule with seeds 0, 1, ..., and then the tutorial's net.

    Args:
        seeds: how many seeds.
        folder: where the runs are kept; a recipe without changes has the place that
            ``measure_recipe`` gives it.
        display: shows the progress of each training, and one line for each run.
        changes: overrides of every config, for a quick look.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    rows = []
    display.expect((len(SCHEDULES) + 1) * seeds)
    for level, (recipe, overrides) in SCHEDULES.items():
        entry = registry.recipe(recipe)
        config = override(override(entry.config, overrides), changes)
        place = folder / (f"{recipe}-{level}" if overrides else recipe)
        done = measure_seeds(entry, config, seeds, place, display, f"{level} %")
        seconds = tuple(one.run.read_json("training.json")["seconds"] for one in done)
        accuracies = (tuple(getattr(one, part) for one in done) for part in ("validation", "test"))
        rows.append(Timed(_words(level, recipe, config), seconds, *accuracies))
    data = override(entry.config, changes).data
    trained = []
    for seed in range(seeds):
        with display.pace.training(f"the tutorial's net, seed {seed}"):
            trained.append(_tutorial(seed, data))
    rows.append(Timed("tutorial", *zip(*trained, strict=True)))
    return rows


def _words(level: int, recipe: str, config: RunConfig) -> str:
    training, units = config.training, "-".join(map(str, config.model.hidden_units))
    return (
        f"{level} %: `{recipe}`, {units}, {training.epochs} epochs, batches of "
        f"{training.batch_size}, policy {training.augmentation.replace('|', 'then')}"
    )


def _tutorial(seed: int, data: DataConfig) -> tuple[float, float, float]:
    """Train the net of TensorFlow's beginner tutorial as it does: 784-128-10, Adam, ten epochs.

    Source: Basic classification, https://www.tensorflow.org/tutorials/keras/classification. There
    it is trained on all 60,000 images; here on those that the other schedules have.

    Returns:
        Seconds of ``fit``, and accuracy on the validation and on the test images.
    """
    dataset = load(data)
    # Keras draws the seeds of its kernels from Python's generator. TensorFlow's global seed stays
    # unset: with it, fit would shuffle every epoch into the same order.
    random.seed(seed)
    layers = keras.layers
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
    images = dataset.train.images / 255.0
    start = time.perf_counter()
    net.fit(images, dataset.train.labels, epochs=TUTORIAL_EPOCHS, verbose=0)
    seconds = round(time.perf_counter() - start, 2)
    validation = dataset.validation
    reached = net.evaluate(
        validation.images / 255.0, validation.labels, verbose=0, return_dict=True
    )
    whole = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), net])
    return seconds, reached["accuracy"], measure_test(whole, data)["accuracy"]["value"]


def seconds_table(rows: Sequence[Timed]) -> str:
    """Return the Markdown table, with the lines that say what it means."""
    lines = [
        "| schedule | seconds | validation accuracy | test accuracy |",
        "| --- | ---: | --- | --- |",
    ]
    for row in rows:
        seconds = text.mean(row.seconds, ".1f", bounds=POSITIVE)
        lines.append(
            f"| {row.schedule} | {seconds} | {text.percent(row.validation)} "
            f"| {text.percent(row.test)} |"
        )
    seeds = len(rows[0].test)
    lines += [
        "",
        f"Mean over {seeds} seeds with {text.METHOD}, of seconds on the logarithmic one. "
        f"{text.measured_on()} "
        f"`python -m recipes.benchmark seconds --seeds {seeds}` reproduces the table.",
    ]
    return "\n".join(lines)


def write_seconds(rows: Sequence[Timed], path: Path) -> None:
    """Write one row a training."""
    storage.write_table(
        path,
        [
            {
                "schedule": row.schedule,
                "seed": seed,
                "seconds": row.seconds[seed],
                "validation_accuracy": row.validation[seed],
                "test_accuracy": row.test[seed],
            }
            for row in rows
            for seed in range(len(row.test))
        ],
    )
