"""From a recipe and a config to a model that can be trained."""

import keras

from fashion_zoo import precision, schedules
from fashion_zoo.config import Recipe, RunConfig
from fashion_zoo.optimizers import build_optimizer, tabulate


def build_model(entry: Recipe, config: RunConfig) -> keras.Model:
    """Build the recipe's model under the config's precision, uncompiled."""
    policy = precision.choose(config.precision).policy
    return entry.builder(config.model, seed=config.seed, dtype=policy)


def compile_model(
    model: keras.Model,
    config: RunConfig,
    *,
    total_steps: int | None = None,
    steps_per_execution: int = 1,
    soft_labels: bool = False,
) -> keras.Model:
    """Compile a model in place and return it.

    Args:
        model: takes pixels, returns logits.
        config: its ``training`` and ``precision`` are used.
        total_steps: steps of the whole training, over which the learning rate follows its
            schedule; None keeps it at its base value.
        steps_per_execution: steps between two returns to Python.
        soft_labels: whether labels are (batch, classes) probabilities, not (batch,) integers.
    """
    rate = config.training.learning_rate
    schedule = config.training.schedules.learning_rate
    learning_rate = tabulate(schedules.get(schedule), rate, total_steps) if total_steps else rate
    scale_loss = precision.choose(config.precision).policy == "mixed_float16"
    loss: keras.losses.Loss
    if soft_labels:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    model.compile(
        optimizer=build_optimizer(config.training, learning_rate, scale_loss=scale_loss),
        loss=loss,
        metrics=[accuracy],
        steps_per_execution=steps_per_execution,
    )
    return model


def steps_of_about_a_second(parameters: int, batch_size: int, steps: int) -> int:
    """Estimate how many steps take about a second on a small CPU, at most an epoch.

    A training step costs 6 operations a parameter and image (2 forward, 4 backward; Kaplan et
    al. 2020, arXiv:2001.08361, section 2.1). 50 GFLOP/s and 2 ms of overhead a step were
    measured on two cores. An estimate keeps runs repeatable where a stopwatch would not.
    """
    seconds_a_step = 0.002 + 6 * parameters * batch_size / 50e9
    return min(max(int(1 / seconds_a_step), 1), steps)
