"""Suggestions of find_lr beside the best of a grid of learning rates, by validation accuracy."""

import contextlib
import functools
import itertools
import math
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fashion_zoo
from fashion_zoo import TrainingError, recipe
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.experiments import columns, page as pages
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.experiments.stored import keep
from fashion_zoo.show.waiting import Progress
from fashion_zoo.storage import absolute
from recipes.benchmark.program import Program, Rows

RECIPES = ("baseline_mlp", "bn_mlp", "adaptive_dropout_mlp", "l2_mlp")
SCHEDULE = "one_cycle"  # of the learning rate, as in all recipes
GRID = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2)
NEAR = 0.3  # points below the best of the grid: a suggestion within them is as good
FACTOR = 3  # from the best of the grid: a suggestion within it is near
RULES = ("steepest", "valley", "minimum", "slide")
SETTINGS: Mapping[str, Any] = {
    "data": {"limit": 10_000},
    "training": {"epochs": 10, "schedules": {"learning_rate": SCHEDULE}},
}
Rate = tuple[str, float]  # rule and learning rate


def measure(
    seeds: int = 3, folder: str | Path = "runs/find_lr", progress: Progress = "auto", **changes: Any
) -> Iterator[Row]:
    """Train with each rate of the grid and each suggestion, with seeds 0, 1, ...

    Accuracies are kept in ``folder`` and not measured again. ``changes`` are overrides of every
    config, for a quick look.
    """
    from fashion_zoo.show.progress import Pace, TrainingDisplay

    place, display = absolute(folder), TrainingDisplay(progress)
    configs = {
        name: functools.reduce(override, (SETTINGS, changes), recipe(name).config)
        for name in RECIPES
    }
    rates = [(name, *rate) for name in RECIPES for rate in _rates(name, configs[name], place)]
    pace = Pace(len(rates) * seeds, display.say)
    for (name, rule, rate), seed in itertools.product(rates, range(seeds)):
        config = override(configs[name], {"training": {"learning_rate": rate}, "seed": seed})
        with pace.training(f"{name} {rule} {rate:g}, seed {seed}"):
            reached = _trained(name, config, place)
        display.say(f"{name} {rule} {rate:g}, seed {seed}: validation {reached:.4f}")
        own = {"table": "results", "recipe": name, "schedule": SCHEDULE, "rule": rule}
        yield {**own, "rate": rate, "validation": reached, "seed": seed}


def _rates(name: str, config: RunConfig, folder: Path) -> list[Rate]:
    """Return the grid, the default, and the suggestion of each rule of find_lr, in two digits."""

    def sweep() -> dict[str, float]:
        found = fashion_zoo.find_lr(name, config=config, progress=False).suggestions
        return {rule: float(f"{one.rate:.1e}") for rule, one in found.items()}

    settings = {"recipe": name, "config": config}
    found = keep(folder / f"{name}.json", settings, sweep)
    default = recipe(name).config.training.learning_rate
    return [*(("grid", rate) for rate in GRID), ("default", default), *found.items()]


def _trained(name: str, config: RunConfig, folder: Path) -> float:
    """Return the validation accuracy after the last epoch, NaN where training diverged."""

    def train() -> float | None:
        own: dict[str, Any] = {"evaluate": False, "export": False, "progress": False}
        with tempfile.TemporaryDirectory() as place, contextlib.suppress(TrainingError):
            trained = fashion_zoo.train(name, run_dir=f"{place}/run", config=config, **own)
            return round(trained.training["validation_accuracy"], 6)
        return None

    settings = {"recipe": name, "config": config}
    file = folder / f"{name}-{SCHEDULE}-{config.training.learning_rate}-{config.seed}.json"
    reached = keep(file, settings, train)
    return math.nan if reached is None else reached


def grouped(rows: Rows) -> dict[str, dict[Rate, list[float]]]:
    """Return recipe to rate to the validation accuracy of each seed, NaN where it diverged."""
    found: dict[str, dict[Rate, list[float]]] = {}
    for row in rows:
        rates = found.setdefault(row["recipe"], {})
        rates.setdefault((row["rule"], row["rate"]), []).append(row["validation"])
    return found


def best_of_grid(rates: Mapping[Rate, list[float]]) -> Rate:
    """Return the rate of the grid with the highest mean, where no seed diverged."""
    means = {rate: sum(each) for rate, each in rates.items() if rate[0] == "grid"}
    return max((one for one in means if not math.isnan(means[one])), key=means.__getitem__)


def rates_table(rows: Rows) -> str:
    """Return the Markdown table, and whether the recommended suggestions are near the best."""
    from fashion_zoo.training.lr_finder import RECOMMENDED

    lines = []
    near: dict[bool, list[str]] = {True: [], False: []}
    close: dict[bool, list[str]] = {True: [], False: []}
    for name, rates in grouped(rows).items():
        best = best_of_grid(rates)
        cells = {rule: _against(rate, each, rates[best]) for (rule, rate), each in rates.items()}
        others = [cells[rule] for rule in ("default", *RULES)]
        reached = f"{best[1]:g}: {columns.percent(rates[best])}"
        lines.append([f"`{SCHEDULE}`", f"`{name}`", reached, *others])
        ((rate, own),) = [(rate, own) for (rule, rate), own in rates.items() if rule == RECOMMENDED]
        below = statistics.fmean(rates[best]) - statistics.fmean(own)
        near[100 * below <= NEAR].append(f"`{name}`")  # NaN is not
        apart = max(rate, best[1]) / min(rate, best[1])
        close[apart <= FACTOR].append(f"`{name}`")
    heads = ["schedule", "recipe", "best of the grid", "default", *RULES]
    return (
        f"{pages.table(heads, lines)}\n\n`{RECOMMENDED}`, which find_lr recommends, is "
        f"{_for_which(close, f'within a factor of {FACTOR} of')}. Trained with it, accuracy is "
        f"{_for_which(near, f'within {NEAR:g} points of that of')}."
    )


def _for_which(found: Mapping[bool, list[str]], how_near: str) -> str:
    """Return for which recipes something is so, and for which it is not."""
    yes, no = (", ".join(found[one]) for one in (True, False))
    what = f"{how_near} the best of the grid for"
    return f"{what} {yes}{f', but not for {no}' if no else ''}" if yes else f"not {what} {no}"


def _against(rate: float, each: list[float], best: list[float]) -> str:
    if diverged := sum(map(math.isnan, each)):
        return f"{rate:g}: diverged with {diverged} of {len(each)} seeds"
    return f"{rate:g}: {columns.points([a - b for a, b in zip(each, best, strict=True)])}"


def note(rows: Rows, machine: str) -> str:
    """Return the note below the table."""
    seeds = len({row["seed"] for row in rows})
    return (
        f"The grid has {', '.join(f'{rate:g}' for rate in GRID)}; its best is the rate with the "
        f"highest mean validation accuracy over {seeds} seeds, which favours it. The other cells "
        "have the rate, and the difference to that best in points, paired by seed, each as a mean "
        f"with {pages.INTERVAL}. "
        f"{SETTINGS['data']['limit']:,} training images, {SETTINGS['training']['epochs']} epochs. "
        f"{machine} `python -m recipes.benchmark find_lr --seeds {seeds}` reproduces the table."
    )


PROGRAM = Program(
    page="docs/commands/find_lr.md", tables={"results": rates_table}, note=note, measure=measure
)
