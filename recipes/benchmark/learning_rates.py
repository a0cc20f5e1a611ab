"""What find_lr's suggestions are worth: each beside the best of a grid of learning rates.

Accuracies are those of the validation images: a rule is chosen here.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import recipes.benchmark.text as text
from fashion_zoo import registry, storage
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset, load
from fashion_zoo.errors import TrainingError
from fashion_zoo.machine.devices import releasing
from fashion_zoo.registry import Recipe
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training import build_model
from fashion_zoo.training.fit import fit
from fashion_zoo.training.lr_finder import RECOMMENDED, range_test
from fashion_zoo.training.plan import plan
from recipes.benchmark.searching.apart import keep

RECIPES = ("baseline_mlp", "bn_mlp", "adaptive_dropout_mlp", "l2_mlp")
SCHEDULES = ("one_cycle",)  # of the learning rate: that of all recipes
GRID = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2)
NEAR = 0.3  # points: a suggestion so far below the best of the grid is as good
RULES = ("steepest", "valley", "minimum", "slide")
SETTINGS: Mapping[str, Any] = {"data": {"limit": 10_000}, "training": {"epochs": 10}}


class Reached(NamedTuple):
    """One learning rate, trained with several seeds."""

    recipe: str
    schedule: str
    """Of the learning rate."""
    rule: str
    """"grid", "default" (the recipe's own rate), or the rule of find_lr that suggests it."""
    rate: float
    """Base learning rate."""
    validation: tuple[float, ...]
    """Validation accuracy of each seed, a fraction; NaN where training diverged."""


def measure_learning_rates(
    seeds: int, folder: Path, display: TrainingDisplay, changes: Mapping[str, Any]
) -> list[Reached]:
    """Train the grid and the suggestions, each with seeds 0, 1, ...; what is kept is not repeated.

    Args:
        seeds: trainings a rate.
        folder: where each accuracy is kept.
        display: shows one line for each rate.
        changes: overrides of every config, for a quick look.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    rows = []
    suggested = {recipe: _suggested(recipe, folder, changes) for recipe in RECIPES}
    rates = [len(list(_rates(registry.recipe(one), suggested[one]))) for one in RECIPES]
    display.expect(len(SCHEDULES) * sum(rates) * seeds)
    for schedule, recipe in itertools.product(SCHEDULES, RECIPES):
        entry = registry.recipe(recipe)
        moving = {"training": {"schedules": {"learning_rate": schedule}}}
        config = override(_settings(entry, changes), moving)
        dataset = load(config.data)
        for rule, rate in _rates(entry, suggested[recipe]):
            tried = override(config, {"training": {"learning_rate": rate}})
            each = []
            for seed in range(seeds):
                seeded = override(tried, {"seed": seed})
                with display.pace.training(f"{recipe} {schedule} {rule} {rate:g}, seed {seed}"):
                    each.append(_trained(entry, seeded, dataset, folder, changes))
            rows.append(Reached(recipe, schedule, rule, rate, tuple(each)))
            reached = ", ".join(f"{one:.4f}" for one in each)
            display.say(f"{recipe} {schedule} {rule} {rate:g}: validation {reached}")
    return rows


def _settings(entry: Recipe, changes: Mapping[str, Any]) -> RunConfig:
    return override(override(entry.config, SETTINGS), changes)


def _rates(entry: Recipe, suggested: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    yield from (("grid", rate) for rate in GRID)
    yield "default", entry.config.training.learning_rate
    yield from suggested.items()


def _suggested(recipe: str, folder: Path, changes: Mapping[str, Any]) -> dict[str, float]:
    """Return rule to rate, in the two digits that find_lr prints."""
    entry = registry.recipe(recipe)
    settings = {"recipe": recipe, "changes": [SETTINGS, changes]}

    def sweep(_: Mapping[str, Any]) -> dict[str, Any]:
        with releasing():
            found = range_test(entry, _settings(entry, changes)).suggestions
        return {name: float(f"{one.rate:.1e}") for name, one in found.items()}

    return keep(folder / f"{recipe}.json", settings, sweep)


def _trained(
    entry: Recipe, config: RunConfig, dataset: Dataset, folder: Path, changes: Mapping[str, Any]
) -> float:
    """Return the validation accuracy after the last epoch, NaN where training diverged."""
    training = config.training
    settings = {
        "recipe": entry.name,
        "schedule": training.schedules.learning_rate,
        "rate": training.learning_rate,
        "seed": config.seed,
        "changes": [SETTINGS, changes],
    }

    def train(_: Mapping[str, Any]) -> dict[str, Any]:
        with releasing():
            model = build_model(entry, config)
            try:
                planned = plan(config, dataset.count)
                fit(model, planned, dataset, [], TrainingDisplay(enabled=False))
            except TrainingError:
                return {"accuracy": None}
            return {"accuracy": round(float(model.history.history["val_accuracy"][-1]), 6)}

    name = "-".join(str(settings[word]) for word in ("recipe", "schedule", "rate", "seed"))
    reached = keep(folder / f"{name}.json", settings, train)["accuracy"]
    return math.nan if reached is None else reached


def best_of_grid(rows: Sequence[Reached]) -> Reached:
    """Return the rate of the grid with the highest mean, of those that diverged with no seed."""
    grid = [row for row in rows if row.rule == "grid" and not any(map(math.isnan, row.validation))]
    return max(grid, key=lambda row: sum(row.validation))


def learning_rates_table(rows: Sequence[Reached]) -> str:
    """Return the Markdown table, with the lines that say what it means."""
    seeds = len(rows[0].validation)
    lines = [
        f"| schedule | recipe | best of the grid | {' | '.join(['default', *RULES])} |",
        f"| --- | --- | --- |{' --- |' * (1 + len(RULES))}",
    ]
    for schedule, recipe in dict.fromkeys((row.schedule, row.recipe) for row in rows):
        own = [row for row in rows if (row.schedule, row.recipe) == (schedule, recipe)]
        best = best_of_grid(own)
        others = {row.rule: _against(row, best) for row in own if row.rule != "grid"}
        cells = [f"`{schedule}`", f"`{recipe}`", f"{best.rate:g}: {text.percent(best.validation)}"]
        cells += [others[rule] for rule in ("default", *RULES)]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        _verdict(rows),
        "",
        f"The grid has {', '.join(f'{rate:g}' for rate in GRID)}; its best is the rate with the "
        f"highest mean validation accuracy over {seeds} seeds, which favours it. The other cells "
        "have the rate, and what it reaches against that best in points, paired by seed. "
        f"A mean over seeds stands with {text.METHOD}. "
        f"{SETTINGS['data']['limit']:,} training images, {SETTINGS['training']['epochs']} epochs. "
        f"{text.measured_on()} "
        f"`python -m recipes.benchmark find_lr --seeds {seeds}` reproduces the table.",
    ]
    return "\n".join(lines)


def _verdict(rows: Sequence[Reached]) -> str:
    """Say of which recipes the recommended suggestion is as good as the best of the grid."""
    near: dict[bool, list[str]] = {True: [], False: []}
    for row in rows:
        if row.rule == RECOMMENDED:
            own = [one for one in rows if (one.schedule, one.recipe) == (row.schedule, row.recipe)]
            below = sum(best_of_grid(own).validation) - sum(row.validation)
            points = 100 * below / len(row.validation)
            near[points <= NEAR].append(f"`{row.recipe}`")  # NaN is not near
    said = f"`{RECOMMENDED}`, which find_lr recommends, is "
    parts = [
        f"{word} {NEAR:g} points of the best of the grid for {', '.join(near[is_near])}"
        for is_near, word in ((True, "within"), (False, "not within"))
        if near[is_near]
    ]
    missing = [f"`{name}`" for name in RECIPES if not any(row.recipe == name for row in rows)]
    yet = f" Not measured yet: {', '.join(missing)}." if missing else ""
    return f"{said}{' and '.join(parts)}.{yet}"


def _against(row: Reached, best: Reached) -> str:
    diverged = sum(map(math.isnan, row.validation))
    if diverged:
        return f"{row.rate:g}: diverged with {diverged} of {len(row.validation)} seeds"
    return f"{row.rate:g}: {text.points(text.paired(row.validation, best.validation))}"


def write_learning_rates(rows: Sequence[Reached], path: Path) -> None:
    """Write one row a training."""
    storage.write_table(
        path,
        [
            {**row._asdict(), "seed": seed, "validation": accuracy}
            for row in rows
            for seed, accuracy in enumerate(row.validation)
        ],
    )
