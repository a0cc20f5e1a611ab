"""Measure: ``python -m recipes.benchmark accuracy --seeds 3``, ``... dropout --seeds 5``."""

import dataclasses
from typing import Any, Literal

import tyro

import fashion_zoo
from recipes import _common
from recipes.benchmark import measuring, timing


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Train over several seeds, 0, 1, ..., and write a table with intervals.

    accuracy: every recipe, into assets/results.csv and the table of README.md. dropout: rates that
    move against rates that do not, into docs/dropout.csv and the table of docs/dropout.md.
    augmentation: each operation alone and on top of standard, into docs/augmentation.csv and the
    table of docs/augmentation.md. seconds: schedules that reach 88, 89, 90 and 91 % beside
    TensorFlow's tutorial, into docs/seconds.csv and the table of docs/seconds.md. find_lr: its
    suggestions beside a grid of learning rates, into docs/commands/find_lr.csv and the table of
    docs/commands/find_lr.md. search: searches beside those of KerasTuner, their cost and a real
    one, into docs/search.csv and the tables of docs/search.md. These can be broken off at any time:
    the same command goes on where it was. speed: training and augmentation against stock Keras and
    PyTorch, into docs/speed.csv and the tables of docs/speed.md. gpu: the same with jax on a GPU,
    and whether a training repeats bit for bit, into docs/gpu.csv and the tables of docs/gpu.md.
    """

    what: tyro.conf.Positional[
        Literal[
            "accuracy", "dropout", "augmentation", "seconds", "find_lr", "search", "speed", "gpu"
        ]
    ]
    """What to measure."""
    seeds: int | None = None
    """Trainings a row, at least 2; by default 3, and 5 for dropout, seconds and search."""
    rounds: int | None = None
    """Epochs of speed that count, at least 2; by default 5."""
    folder: str | None = None
    """Where the runs are kept; by default runs/dropout, runs/augmentation, runs/find_lr,
    runs/search or runs/benchmark."""
    page: str | None = None
    """The page whose table is replaced."""
    json: bool = False
    """Print the results of accuracy as JSON."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, measure, print."""
    options = _common.parse(Benchmark, argv, "benchmark")
    own = {"speed": ("rounds", "page"), "gpu": ("page",)}
    takes = own.get(options.what, ("seeds", "folder", "page"))
    chosen: dict[str, Any] = {}
    for name in ("seeds", "rounds", "folder", "page"):
        if (value := getattr(options, name)) is None:
            continue
        if name not in takes:
            raise fashion_zoo.ConfigError(
                f"--{name} is not of benchmark {options.what}, which takes "
                f"{', '.join(f'--{one}' for one in takes)}. Leave it out."
            )
        chosen[name] = value
    if options.json and options.what != "accuracy":
        raise fashion_zoo.ConfigError(
            f"--json is of benchmark accuracy; {options.what} writes a CSV file. Leave it out."
        )
    _common.start_keras()
    home = timing if options.what in ("search", "speed", "gpu") else measuring
    measure = getattr(home, f"benchmark_{options.what}")
    if options.what not in own:
        chosen["progress"] = True
    results = measure(**chosen)
    if options.what != "accuracy":
        print(results)
        return
    if options.json:
        _common.print_json([dataclasses.asdict(result) for result in results.values()])
    else:
        from recipes.benchmark.page import results_table

        print(results_table(list(results.values())))
