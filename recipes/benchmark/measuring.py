"""Measure recipes and techniques over several seeds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import registry
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show.watching import Progress
from fashion_zoo.storage.paths import absolute


@checked
@releasing()
def benchmark_accuracy(
    *,
    seeds: int = 3,
    folder: Place = "runs/benchmark",
    page: Place = "README.md",
    progress: Progress = "auto",
) -> Mapping[str, Any]:
    """Measure every registered recipe and write ``assets/results.csv`` and the README's table.

    Finished runs in ``folder`` are not run again, so it can be broken off at any time.

    Args:
        seeds: trainings a recipe, at least 2.
        folder: where the runs are kept.
        page: the page whose table is replaced.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.

    Returns:
        Recipe name to its ``Result``.

    Raises:
        ConfigError: fewer than two seeds, or a backend other than tensorflow.
        DataError: the page is missing or has no place for the table.
    """
    check_benchmark(seeds, Path(page))
    need_tensorflow()  # of a recipe
    from fashion_zoo.results import write_results
    from fashion_zoo.show.progress import TrainingDisplay
    from recipes.benchmark.accuracy import measure_recipe
    from recipes.benchmark.page import replace_table, results_table

    names, display = registry.list_recipes(), TrainingDisplay(progress)
    display.expect(len(names) * seeds)
    results = [measure_recipe(name, seeds, Path(folder), display) for name in names]
    write_results(results)
    replace_table(Path(page), results_table(results))
    return {result.recipe: result for result in results}


@checked
@releasing()
def benchmark_dropout(
    *,
    seeds: int = 5,
    folder: Place = "runs/dropout",
    page: Place = "docs/dropout.md",
    progress: Progress = "auto",
    **overrides: Any,
) -> str:
    """Compare dropout rates that move with the best one that does not, and write the table.

    Finished runs in ``folder`` are not run again, so it can be broken off at any time. The rows
    of the table go into a CSV file beside the page.

    Args:
        seeds: trainings a row, at least 2.
        folder: where the runs are kept.
        page: the page whose table is replaced.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigError: fewer than two seeds.
        DataError: the page is missing or has no place for the table.
    """
    check_benchmark(seeds, Path(page))
    from fashion_zoo.show.progress import TrainingDisplay
    from recipes.benchmark import dropout

    return _write_measured(
        lambda: dropout.measure_dropout(seeds, Path(folder), TrainingDisplay(progress), overrides),
        dropout.write_dropout,
        dropout.dropout_table,
        seeds,
        Path(page),
    )


@checked
@releasing()
def benchmark_augmentation(
    *,
    seeds: int = 3,
    folder: Place = "runs/augmentation",
    page: Place = "docs/augmentation.md",
    progress: Progress = "auto",
    **overrides: Any,
) -> str:
    """Measure what each augmentation is worth to ``bn_mlp``, and write the table.

    Finished runs in ``folder`` are not run again, so it can be broken off at any time. The rows
    of the table go into a CSV file beside the page.

    Args:
        seeds: trainings a row, at least 2.
        folder: where the runs are kept.
        page: the page whose table is replaced.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigError: fewer than two seeds, or a backend other than tensorflow.
        DataError: the page is missing or has no place for the table.
    """
    check_benchmark(seeds, Path(page), "worth")
    need_tensorflow()
    from fashion_zoo.show.progress import TrainingDisplay
    from recipes.benchmark import augmentation

    return _write_measured(
        lambda: augmentation.measure_augmentation(
            seeds, Path(folder), TrainingDisplay(progress), overrides
        ),
        augmentation.write_augmentation,
        augmentation.augmentation_table,
        seeds,
        Path(page),
        "worth",
    )


@checked
@releasing()
def benchmark_find_lr(
    *,
    seeds: int = 3,
    folder: Place = "runs/find_lr",
    page: Place = "docs/commands/find_lr.md",
    progress: Progress = "auto",
    **overrides: Any,
) -> str:
    """Compare the suggestions of ``find_lr`` with a grid of learning rates, and write the table.

    Validation accuracies only. What is in ``folder`` is not measured again, so it can be broken
    off at any time. Every training has a row in a CSV file beside the page.

    Args:
        seeds: trainings a rate, at least 2.
        folder: where the accuracies are kept.
        page: the page whose table is replaced.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigError: fewer than two seeds.
        DataError: the page is missing or has no place for the table.
    """
    check_benchmark(seeds, Path(page))
    from fashion_zoo.show.progress import TrainingDisplay
    from recipes.benchmark import learning_rates

    return _write_measured(
        lambda: learning_rates.measure_learning_rates(
            seeds, Path(folder), TrainingDisplay(progress), overrides
        ),
        learning_rates.write_learning_rates,
        learning_rates.learning_rates_table,
        seeds,
        Path(page),
    )


@checked
@releasing()
def benchmark_seconds(
    *,
    seeds: int = 5,
    folder: Place = "runs/benchmark",
    page: Place = "docs/seconds.md",
    progress: Progress = "auto",
    **overrides: Any,
) -> str:
    """Train fixed schedules and the net of TensorFlow's tutorial, and write the table.

    The seconds and accuracies of every training go into a CSV file beside the page. Nothing else
    should run meanwhile.

    Args:
        seeds: trainings a schedule, with seeds 0, 1, ...; at least 2.
        folder: where the runs are kept; those of ``benchmark_accuracy`` count, if they are there.
        page: the page whose table is replaced.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigError: fewer than two seeds, or a backend other than tensorflow.
        DataError: the page is missing or has no place for the table.
    """
    check_benchmark(seeds, Path(page))
    need_tensorflow()  # of a schedule
    if overrides and Path(folder) == absolute("runs/benchmark"):
        raise ConfigError(
            "overrides would replace the runs of the whole benchmark in runs/benchmark; name "
            "another folder for a quick look."
        )
    from fashion_zoo.show.progress import TrainingDisplay
    from recipes.benchmark import seconds

    return _write_measured(
        lambda: seconds.measure_seconds(seeds, Path(folder), TrainingDisplay(progress), overrides),
        seconds.write_seconds,
        seconds.seconds_table,
        seeds,
        Path(page),
    )


def _write_measured(
    measure: Callable[[], Any],
    write: Callable[[Any, Path], None],
    draw: Callable[[Any], str],
    seeds: int,
    page: Path,
    name: str = "results",
) -> str:
    """Measure, write the rows beside the page and their table into it, and return the table."""
    from recipes.benchmark.page import replace_table

    check_benchmark(seeds, page, name)
    rows = measure()
    write(rows, page.with_suffix(".csv"))
    table = draw(rows)
    replace_table(page, table, name)
    return table


def check_benchmark(seeds: int, page: Path, table: str = "results") -> None:
    """Check what can be checked before the minutes that the trainings take."""
    from recipes.benchmark.page import around_table

    if seeds < 2:
        raise ConfigError(f"seeds must be at least 2, for an interval; received {seeds}.")
    around_table(page, table)
