"""A training that is found as it was left: finished, begun, or not yet."""

from pathlib import Path

from fashion_zoo import runs
from fashion_zoo.config import RunConfig
from fashion_zoo.machine import environment
from fashion_zoo.machine.devices import releasing
from fashion_zoo.registry import Recipe
from fashion_zoo.runs import Run
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training.session import train_run


def train_once(entry: Recipe, config: RunConfig, path: Path, display: TrainingDisplay) -> Run:
    """Return the finished run at ``path``.

    A run with the same config in the same environment is gone on with where it was left; any
    other is replaced.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    run = _same_run(path, entry.name, config)
    if run is None or not run.finished:
        same = run is not None
        with releasing():
            ended = train_run(entry, config, path, force=not same, resume=same, display=display)
        if ended.interrupted:
            raise KeyboardInterrupt
        run = ended.run
    return run


def _same_run(path: Path, name: str, config: RunConfig) -> Run | None:
    """Return the run there if it has this config, and was begun in this environment."""
    if not (runs.is_run(path) and (path / "environment.json").is_file()):
        return None
    run = runs.open_run(path)
    surroundings = run.read_json("environment.json")
    del surroundings["precision"]
    same = (run.recipe, surroundings) == (name, environment.describe())
    return run if same and runs.as_stored(run.config) == runs.as_stored(config) else None
