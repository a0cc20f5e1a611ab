"""Measure recipes and techniques over several seeds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import registry
from fashion_zoo.errors import ConfigError


def benchmark_accuracy(
    *, seeds: int = 3, folder: str | Path = "runs/benchmark", page: str | Path = "README.md"
) -> Mapping[str, Any]:
    """Measure every registered recipe and write ``assets/results.csv`` and the README's table.

    Finished runs in ``folder`` are not run again, so it can be broken off at any time.

    Args:
        seeds: trainings a recipe, at least 2.
        folder: where the runs are kept.
        page: the page whose table is replaced.

    Returns:
        Recipe name to its ``Result``.

    Raises:
        ConfigError: fewer than two seeds.
        DataError: the page is missing or has no place for the table.
    """
    from fashion_zoo.board.accuracy import measure_recipe
    from fashion_zoo.board.results import replace_table, results_table, write_results
    from fashion_zoo.show.progress import TrainingDisplay

    _check_benchmark(seeds, Path(page))
    results = [
        measure_recipe(name, seeds, Path(folder), TrainingDisplay())
        for name in registry.list_recipes()
    ]
    write_results(results)
    replace_table(Path(page), results_table(results))
    return {result.recipe: result for result in results}


def benchmark_dropout(
    *,
    seeds: int = 5,
    folder: str | Path = "runs/dropout",
    page: str | Path = "docs/dropout.md",
    **overrides: Any,
) -> str:
    """Compare dropout rates that move with the best one that does not, and write the table.

    Finished runs in ``folder`` are not run again, so it can be broken off at any time. The rows
    of the table go into a CSV file beside the page.

    Args:
        seeds: trainings a row, at least 2.
        folder: where the runs are kept.
        page: the page whose table is replaced.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigError: fewer than two seeds.
        DataError: the page is missing or has no place for the table.
    """
    from fashion_zoo.board.dropout import dropout_table, measure_dropout, write_dropout
    from fashion_zoo.board.results import replace_table
    from fashion_zoo.show.progress import TrainingDisplay

    _check_benchmark(seeds, Path(page))
    arms = measure_dropout(seeds, Path(folder), TrainingDisplay(), overrides)
    write_dropout(arms, Path(page).with_suffix(".csv"))
    table = dropout_table(arms)
    replace_table(Path(page), table)
    return table


def benchmark_augmentation(
    *,
    seeds: int = 3,
    folder: str | Path = "runs/augmentation",
    page: str | Path = "docs/augmentation.md",
    **overrides: Any,
) -> str:
    """Measure what each augmentation is worth to ``bn_mlp``, and write the table.

    Finished runs in ``folder`` are not run again, so it can be broken off at any time. The rows
    of the table go into a CSV file beside the page.

    Args:
        seeds: trainings a row, at least 2.
        folder: where the runs are kept.
        page: the page whose table is replaced.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigError: fewer than two seeds.
        DataError: the page is missing or has no place for the table.
    """
    from fashion_zoo.board import augmentation
    from fashion_zoo.board.results import replace_table
    from fashion_zoo.show.progress import TrainingDisplay

    _check_benchmark(seeds, Path(page))
    rows = augmentation.measure_augmentation(seeds, Path(folder), TrainingDisplay(), overrides)
    augmentation.write_augmentation(rows, Path(page).with_suffix(".csv"))
    table = augmentation.augmentation_table(rows)
    replace_table(Path(page), table)
    return table


def _check_benchmark(seeds: int, page: Path) -> None:
    """Check what can be checked before the minutes that the trainings take."""
    from fashion_zoo.board.results import around_table

    if seeds < 2:
        raise ConfigError(f"seeds must be at least 2, for an interval; received {seeds}.")
    around_table(page)
