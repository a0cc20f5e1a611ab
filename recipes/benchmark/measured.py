"""One measured run: trained and evaluated, or found as it was left."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.evaluation import evaluate_run
from fashion_zoo.language.wording import percent
from fashion_zoo.registry import Recipe
from fashion_zoo.runs import Run
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.show.waiting import waiting
from fashion_zoo.training import train_once


class Measured(NamedTuple):
    """What a benchmark reads from a run."""

    run: Run
    validation: float
    """Accuracy on the validation images, a fraction."""
    test: float
    """Accuracy on the test images, a fraction."""


def measure(entry: Recipe, config: RunConfig, path: Path, display: TrainingDisplay) -> Measured:
    """Return the run at ``path``, trained and evaluated; see ``train_once``.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    run = train_once(entry, config, path, display)
    with waiting("Evaluating on the test images", display.enabled):
        evaluation = run.evaluation() or evaluate_run(run)
    return Measured(
        run,
        run.read_json("training.json")["validation_accuracy"],
        evaluation["accuracy"]["value"],
    )


def measure_seeds(
    entry: Recipe,
    config: RunConfig,
    seeds: int,
    place: Path,
    display: TrainingDisplay,
    say: str,
    parts: Sequence[str] = ("validation",),
) -> list[Measured]:
    """Measure a config with seeds 0, 1, ...; finished runs are not run again.

    Args:
        entry: the recipe.
        config: all but the seed.
        seeds: how many.
        place: where the runs are kept, as PLACE-SEED.
        display: shows the progress of each training, and one line for each run.
        say: what that line calls it.
        parts: the accuracies in that line.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    done = []
    for seed in range(seeds):
        path = place.with_name(f"{place.name}-{seed}")
        with display.pace.training(f"{say}, seed {seed}"):
            found = measure(entry, override(config, {"seed": seed}), path, display)
        reached = ", ".join(f"{part} {percent(getattr(found, part))}" for part in parts)
        display.say(f"{say} seed {seed}: {reached}")
        done.append(found)
    return done
