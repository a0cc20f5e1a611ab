"""Measure: ``python -m recipes.benchmark accuracy --seeds 3``, ``... speed --rounds 60``."""

import dataclasses
import importlib
from typing import TYPE_CHECKING, Any, Literal, get_args

import tyro

import fashion_zoo
from recipes import _common, experiment

if TYPE_CHECKING:
    from recipes.benchmark.program import Program

_Program = Literal["find_lr", "search", "tuned", "speed", "memory", "gpu"]
PROGRAMS = get_args(_Program)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Measure, and write the tables of a page and their rows into a CSV file beside it.

    accuracy: every recipe, into assets/results.csv, README.md, docs/results.md and a card of each
    in docs/recipes. dropout: scheduled rates against constant ones. augmentation: each operation
    alone and on top of standard. seconds: schedules that reach 88, 89, 90 and 91 % beside
    TensorFlow's tutorial. find_lr: its suggestions beside a grid of learning rates. search:
    searches beside those of KerasTuner, and what they cost. tuned: a search of each of four
    recipes, and whether fresh seeds confirm what it finds. speed: training and augmentation against
    stock Keras and PyTorch. memory: what gradient checkpointing saves and costs. gpu: images
    per second of jax on a GPU by batch size, and whether a training repeats bit for bit. All but
    gpu can be interrupted at any time and resume with the same command.
    """

    what: tyro.conf.Positional[Literal["accuracy", "dropout", "augmentation", "seconds", _Program]]
    """What to measure."""
    seeds: int | None = None
    """Trainings per row, at least 2; by default 3, and 5 for dropout, seconds, search and
    tuned."""
    rounds: int | None = None
    """Slices of each contender of speed, at least 2; by default 60."""
    trials: int | None = None
    """Trials of each search of tuned; by default 20."""
    folder: str | None = None
    """Folder of the runs and of what was measured so far; by default runs/NAME, and runs/benchmark
    for accuracy."""
    page: str | None = None
    """The page whose table is replaced."""
    only: str | None = None
    """Measure only this arm of accuracy, dropout, augmentation or seconds, or else the arms of this
    recipe, or this recipe of tuned; the rows of the others stay."""
    measure: bool = True
    """Whether to train; else the table of one of these is written from the stored rows."""
    data: _common.Images = dataclasses.field(default_factory=_common.Images)
    json: bool = False
    """Print the results of accuracy as JSON."""


def load(name: str) -> "Program":
    """Return the program of a benchmark that is no experiment."""
    return importlib.import_module(f"recipes.benchmark.{name}").PROGRAM


@_common.command
def main(argv: list[str]) -> None:
    """Parse, measure, print."""
    options = _common.parse(Benchmark, argv, "benchmark")
    program = load(options.what) if options.what in PROGRAMS else None
    takes = program.takes if program else ("seeds", "folder", "page", "only", "no-measure")
    names = ("seeds", "rounds", "trials", "folder", "page", "only")
    given = {name: getattr(options, name) for name in names}
    given["no-measure"] = None if options.measure else True
    chosen: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
    for name in chosen:
        if name not in takes:
            raise fashion_zoo.ConfigError(
                f"--{name} is not of benchmark {options.what}, which takes "
                f"{', '.join(f'--{one}' for one in takes)}. Leave it out."
            )
    if options.json and options.what != "accuracy":
        raise fashion_zoo.ConfigError(
            f"--json is of benchmark accuracy; {options.what} writes a CSV file. Leave it out."
        )
    if options.data.source is not None:
        if program:
            raise fashion_zoo.ConfigError(
                f"benchmark {options.what} measures on Fashion-MNIST. Leave out --data.source."
            )
        chosen["data"] = {"source": options.data.source}
    if chosen.pop("no-measure", False):
        chosen["measure"] = False
    _common.start_keras(wake=options.measure)
    if "seeds" in takes:
        chosen["progress"] = True
    if program:
        print(program.run(**chosen))
        return
    found = experiment.find(options.what)
    table = fashion_zoo.experiments.run(found, **chosen)
    if options.json:
        results = fashion_zoo.read_results(found.places(options.folder, options.page).rows)
        _common.print_json(list(map(dataclasses.asdict, results.values())))
    else:
        print(table)
