"""The accuracy benchmark: every recipe with its defaults, over several seeds, resumable."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from fashion_zoo import registry, storage
from fashion_zoo.evaluation import mean_interval
from fashion_zoo.evaluation.statistics import FRACTION, standard_deviation
from fashion_zoo.registry import Recipe
from fashion_zoo.results import Result
from fashion_zoo.show.progress import TrainingDisplay
from recipes.benchmark.measured import Measured, measure_seeds


def measure_recipe(name: str, seeds: int, folder: Path, display: TrainingDisplay) -> Result:
    """Train a recipe with seeds 0, 1, ... and summarize; finished runs are not run again.

    Args:
        name: the recipe.
        seeds: how many seeds.
        folder: where the runs are kept, as NAME-SEED.
        display: shows the progress of each training, and one line for each run.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on with the run that was broken off.
    """
    entry = registry.recipe(name)
    parts = ("validation", "test")
    done = measure_seeds(entry, entry.config, seeds, folder / name, display, name, parts)
    return _summarize(entry, done)


def _summarize(entry: Recipe, done: Sequence[Measured]) -> Result:
    validation, test = [one.validation for one in done], [one.test for one in done]
    validation_interval, test_interval = (
        mean_interval(one, FRACTION) for one in (validation, test)
    )
    surroundings = done[0].run.read_json("environment.json")
    versions = surroundings["versions"]
    config = json.dumps(dataclasses.asdict(entry.config), sort_keys=True)
    return Result(
        recipe=entry.name,
        seeds=len(done),
        epochs=entry.config.training.epochs,
        parameters=entry.parameters,
        validation_mean=sum(validation) / len(done),
        validation_spread=standard_deviation(validation),
        validation_low=validation_interval.low,
        validation_high=validation_interval.high,
        test_mean=sum(test) / len(done),
        test_spread=standard_deviation(test),
        test_low=test_interval.low,
        test_high=test_interval.high,
        validation_each=" ".join(f"{value:.4f}" for value in validation),
        test_each=" ".join(f"{value:.4f}" for value in test),
        seconds=round(
            sum(one.run.read_json("training.json")["seconds"] for one in done) / len(done), 2
        ),
        precision=surroundings["precision"]["policy"],
        device=surroundings["device"],
        cores=surroundings["cores"],
        versions=f"Python {versions['python']}, Keras {versions['keras']}, "
        f"TensorFlow {versions.get('tensorflow', 'none')}",
        commit=surroundings["commit"] or "",
        config=storage.sha256(config.encode())[:12],
    )
