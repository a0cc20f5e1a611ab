"""The accuracy benchmark: every recipe with its defaults, over several seeds, resumable."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import keras

from fashion_zoo import environment, registry, runs, storage
from fashion_zoo.board.results import Result
from fashion_zoo.config import Recipe, RunConfig
from fashion_zoo.evaluation import evaluate_run, mean_interval
from fashion_zoo.evaluation.statistics import standard_deviation
from fashion_zoo.overrides import override
from fashion_zoo.runs import Run
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training import train_run


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
    done = []
    for seed in range(seeds):
        config = override(entry.config, {"seed": seed})
        run = _finished(folder / f"{name}-{seed}", config)
        if run is None:
            ended = train_run(entry, config, folder / f"{name}-{seed}", force=True, display=display)
            if ended.interrupted:
                raise KeyboardInterrupt
            run = ended.run
            evaluate_run(run)
            keras.backend.clear_session()
        done.append(run)
        display.say(f"{name} seed {seed}: validation {_validation(run):.4f}, test {_test(run):.4f}")
    return _summarize(entry, done)


def _finished(path: Path, config: RunConfig) -> Run | None:
    """Return the run there if it was trained to its end, with this config, in this environment."""
    if not (path / "evaluation.json").is_file():
        return None
    run = runs.open_run(path)
    surroundings = run.read_json("environment.json")
    del surroundings["precision"]
    same = run.config == config and surroundings == environment.describe()
    return run if same and run.read_json("training.json")["finished"] else None


def _validation(run: Run) -> float:
    return run.read_json("training.json")["validation_accuracy"]


def _test(run: Run) -> float:
    return run.read_json("evaluation.json")["accuracy"]["value"]


def _summarize(entry: Recipe, done: Sequence[Run]) -> Result:
    validation, test = [_validation(run) for run in done], [_test(run) for run in done]
    validation_interval, test_interval = mean_interval(validation), mean_interval(test)
    surroundings = done[0].read_json("environment.json")
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
            sum(run.read_json("training.json")["seconds"] for run in done) / len(done), 2
        ),
        precision=surroundings["precision"]["policy"],
        device=surroundings["device"],
        cores=surroundings["cores"],
        versions=f"Python {versions['python']}, Keras {versions['keras']}, "
        f"TensorFlow {versions.get('tensorflow', 'none')}",
        commit=surroundings["commit"] or "",
        config=storage.sha256(config.encode())[:12],
    )
