"""Measure: ``python -m recipes.benchmark tuned --seeds 5``, ``... speed --rounds 60``."""

import dataclasses
import importlib
from typing import TYPE_CHECKING, Any, Literal, get_args

import tyro

import fashion_zoo
from recipes import _common, _spelling, experiment

if TYPE_CHECKING:
    from recipes.benchmark.program import Program

_Program = Literal["search", "tuned", "speed", "gpu"]
PROGRAMS = get_args(_Program)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Measure, and write the tables of a page and their rows into a CSV file beside it.

    search: searches beside those of KerasTuner, and what they cost. tuned: a search of each of four
    recipes, and whether fresh seeds confirm what it finds. speed: training and augmentation against
    stock Keras and PyTorch. gpu: images per second of jax on a GPU by batch size, and whether a
    training repeats bit for bit. All but gpu can be interrupted at any time and resume with the
    same command.
    """

    what: tyro.conf.Positional[_Program]
    """What to measure."""
    seeds: int | None = None
    """Trainings per row, at least 2; by default 5."""
    rounds: int | None = None
    """Slices of each contender of speed, at least 2; by default 60."""
    trials: int | None = None
    """Trials of each search of tuned; by default 20."""
    folder: str | None = None
    """Folder of the runs and of what was measured so far; by default runs/NAME."""
    page: str | None = None
    """The page whose table is replaced."""
    only: str | None = None
    """Measure only this recipe of tuned; the rows of the others stay."""


def load(name: str) -> "Program":
    """Return the program of a benchmark."""
    return importlib.import_module(f"recipes.benchmark.{name}").PROGRAM


@_common.command
def main(argv: list[str]) -> None:
    """Parse, measure, print."""
    known = experiment.names()  # accuracy and three more were benchmarks
    if named := [word for word in argv if word in known]:
        call = _spelling.command(fashion_zoo.errors.Call("experiment", (named[0],)))
        raise fashion_zoo.ConfigError(f"{named[0]} is an experiment. Run it with: {call}")
    options = _common.parse(Benchmark, argv, "benchmark")
    program = load(options.what)
    names = ("seeds", "rounds", "trials", "folder", "page", "only")
    given = {name: getattr(options, name) for name in names}
    chosen: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
    for name in chosen:
        if name not in program.takes:
            raise fashion_zoo.ConfigError(
                f"--{name} is not of benchmark {options.what}, which takes "
                f"{', '.join(f'--{one}' for one in program.takes)}. Leave it out."
            )
    _common.start_keras()
    if "seeds" in program.takes:
        chosen["progress"] = True
    print(program.run(**chosen))
