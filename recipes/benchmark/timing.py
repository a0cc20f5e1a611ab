"""Measure beside others: the speed of training, and what a search finds and costs."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import registry, storage
from fashion_zoo.config.overrides import override
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.errors import ConfigError
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.show.watching import Progress
from fashion_zoo.zoo import tune
from recipes.benchmark.measuring import check_benchmark


@checked
def benchmark_speed(*, rounds: int = 5, page: Place = "docs/speed.md", **overrides: Any) -> str:
    """Compare training and augmentation with stock Keras and PyTorch, and write the tables.

    The figures of the tables go into a CSV file beside the page, with the machine.

    Args:
        rounds: epochs that count, each in turns; at least 2.
        page: the page whose tables are replaced.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The tables, in Markdown.

    Raises:
        ConfigError: fewer than two rounds, or a backend other than tensorflow.
        DataError: the page is missing or has no place for a table.
        TrainingError: a training ended early.
    """
    if rounds < 2:
        raise ConfigError(f"rounds must be at least 2, for a spread; received {rounds}.")
    need_tensorflow()
    from recipes.benchmark import text
    from recipes.benchmark.speed import augmenting, training

    return _write_tables(
        {
            "training": (training.measure_training, training.training_table),
            "shares": (training.measure_shares, training.shares_table),
            "augmentation": (augmenting.measure_augmenting, augmenting.augmenting_table),
        },
        (rounds, overrides),
        f"Median of {rounds} rounds, with the lowest and the highest. {text.measured_on()} "
        f"`python -m recipes.benchmark speed --rounds {rounds}` reproduces the table.",
        Path(page),
    )


@checked
def benchmark_gpu(*, page: Place = "docs/gpu.md", **overrides: Any) -> str:
    """Measure training on a GPU, and whether it repeats bit for bit.

    Run it with ``KERAS_BACKEND=jax`` on a machine that has one GPU. The figures of the tables go
    into a CSV file beside the page, with the machine.

    Args:
        page: the page whose tables are replaced.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The tables, in Markdown.

    Raises:
        ConfigError: a backend other than jax.
        DataError: the page is missing or has no place for a table.
        TrainingError: a training ended early.
    """
    import keras

    from recipes.benchmark import text
    from recipes.benchmark.speed import gpu

    if keras.backend.backend() != "jax":
        raise ConfigError(
            f"benchmark_gpu measures jax, and the backend is {keras.backend.backend()}. Set "
            "KERAS_BACKEND=jax."
        )
    return _write_tables(
        {
            "training": (gpu.measure_gpu, gpu.training_table),
            "repeats": (gpu.measure_repeats, gpu.repeats_table),
        },
        (overrides,),
        f"One training a row. {text.measured_on()} `python -m recipes.benchmark gpu`, with "
        "`KERAS_BACKEND=jax`, reproduces the table.",
        Path(page),
    )


@checked
def benchmark_search(
    *,
    seeds: int = 5,
    folder: Place = "runs/search",
    page: Place = "docs/search.md",
    progress: Progress = "auto",
    **overrides: Any,
) -> str:
    """Compare searches of the same time with KerasTuner's, measure their cost, and one real one.

    What is in ``folder`` is not measured again, so it can be broken off at any time. The figures
    go into a CSV file beside the page. Nothing else should run meanwhile.

    Args:
        seeds: searches of each tuner, and trainings of what the real search found; at least 2.
        folder: where outcomes, study and runs are kept.
        page: the page whose tables are replaced.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The tables, in Markdown.

    Raises:
        ConfigError: fewer than two seeds, or a backend other than tensorflow.
        DataError: the page is missing or has no place for a table.
        TrainingError: a measurement ended early.
    """
    check_benchmark(seeds, Path(page), "contest")
    need_tensorflow()
    from recipes.benchmark import text
    from recipes.benchmark.searching import contest, cost, real

    return _write_tables(
        {
            "contest": (contest.measure_contest, contest.contest_table),
            "cost": (lambda seeds, folder, changes: cost.measure_cost(folder), cost.cost_table),
            "real": (functools.partial(_search_once, progress), real.real_table),
        },
        (seeds, Path(folder), overrides),
        f"{text.measured_on()} `python -m recipes.benchmark search --seeds {seeds}` reproduces the "
        "table.",
        Path(page),
    )


def _search_once(
    progress: Progress, seeds: int, folder: Path, overrides: Mapping[str, Any]
) -> list[Any]:
    """Search once in earnest; trials that were broken off are all run again, to be timed."""
    from recipes.benchmark.searching import real
    from recipes.benchmark.searching.apart import keep

    place = folder / "real"
    search = functools.partial(
        tune,
        "bn_mlp",
        trials=real.TRIALS,
        study_dir=place,
        seeds=seeds,
        config=override(registry.recipe("bn_mlp").config, real.SETTINGS),
        progress=progress,
        **overrides,
    )

    def measure(_: Mapping[str, Any]) -> dict[str, float]:
        storage.remove(place)
        found = search(candidates=0)
        return {"seconds": found.seconds, "overhead": found.overhead}

    settings = {"trials": real.TRIALS, "changes": [real.SETTINGS, overrides]}
    known = keep(place / "timed.json", settings, measure)
    found = search()
    return real.real_rows(found.candidates, found.counts, **known)


def _write_tables(
    tables: Mapping[str, tuple[Callable[..., list[Any]], Callable[..., str]]],
    options: tuple[Any, ...],
    said: str,
    page: Path,
) -> str:
    """Measure each, write all rows beside the page and the tables into it, and return those."""
    from recipes.benchmark import text
    from recipes.benchmark.page import around_table, replace_table

    for name in tables:
        around_table(page, name)
    measured = {name: measure(*options) for name, (measure, _) in tables.items()}
    machine = text.measured_on()
    rows = [{**row._asdict(), "machine": machine} for one in measured.values() for row in one]
    storage.write_table(page.with_suffix(".csv"), rows)
    written = {name: f"{tables[name][1](rows)}\n\n{said}" for name, rows in measured.items()}
    for name, table in written.items():
        replace_table(page, table, name)
    return "\n\n".join(written.values())
