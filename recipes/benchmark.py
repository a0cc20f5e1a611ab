"""Measure every recipe: ``python -m recipes.benchmark accuracy --seeds 3``."""

import dataclasses
import sys
from typing import Literal

import tyro

import fashion_zoo
from recipes import _common


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Train every recipe with seeds 0, 1, ... and write assets/results.csv and the README's table.

    It can be broken off at any time: the same command goes on where it was.
    """

    what: tyro.conf.Positional[Literal["accuracy"]]
    """What to measure."""
    seeds: int = 3
    """Trainings a recipe, at least 2."""
    folder: str = "runs/benchmark"
    """Where the runs are kept."""
    page: str = "README.md"
    """The page whose table is replaced."""
    json: bool = False
    """Print the results as JSON."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, measure, print."""
    options = _common.parse(Benchmark, argv, "benchmark")
    _common.start_keras()
    results = fashion_zoo.benchmark_accuracy(
        seeds=options.seeds, folder=options.folder, page=options.page
    )
    if options.json:
        _common.print_json([dataclasses.asdict(result) for result in results.values()])
    else:
        from fashion_zoo.board import results_table

        print(results_table(list(results.values())))


if __name__ == "__main__":
    sys.exit(main())
