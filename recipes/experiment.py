"""Run an experiment: ``python -m recipes.experiment dropout``, ``... mine.py --seeds 5``."""

import dataclasses
import importlib
import pkgutil
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import fashion_zoo
from recipes import _common, _spelling

if TYPE_CHECKING:
    from fashion_zoo.experiments import Experiment

HOME = "recipes.experiments"


@dataclasses.dataclass(frozen=True)
class RunExperiment:
    """Train the arms of an experiment over several seeds, and write its verdicts and its table.

    It can be interrupted at any time: the same command resumes it. An experiment of your own is a
    file; see docs/experiments.md.
    """

    what: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="EXPERIMENT")]] = ""
    """The experiment: a name, or a file that ends in .py."""
    seeds: int | None = None
    """Trainings per arm, at least 2, or 1 if it only chooses; by default the experiment's."""
    folder: str | None = None
    """Folder of the runs; by default the experiment's."""
    page: str | None = None
    """The page whose table is replaced; by default the experiment's."""
    only: Annotated[str | None, tyro.conf.arg(aliases=["--recipe"])] = None
    """Measure only this arm, or if none has the name the arms of this recipe; other rows stay."""
    data: _common.Images = dataclasses.field(default_factory=_common.Images)
    measure: bool = True
    """Whether to train; else the table is written from the stored rows."""
    quick: bool = False
    """A quick look with fewer images, epochs and seeds, in a folder of its own and without page."""
    list: bool = False
    """List the experiments that come with the package."""


def names() -> list[str]:
    """Return the experiments that come with the package."""
    found = pkgutil.iter_modules(importlib.import_module(HOME).__path__)
    return [one.name for one in found if not one.name.startswith("_")]  # that is shared by several


def find(what: str, flags: Sequence[str] = ()) -> "Experiment":
    """Return the experiment of a name or a file; raise ConfigError if there is none.

    A file that still has the name of an experiment of the package, as a copy has, is an experiment
    of its own: its name is that of the file, and it writes no page. The command that reproduces it
    has these flags.
    """
    if what.endswith(".py"):
        module = fashion_zoo.load_recipes(what)
    elif what in names():
        module = importlib.import_module(f"{HOME}.{what}")
    else:
        known = fashion_zoo.unknown("experiment", what, names())
        raise fashion_zoo.ConfigError(f"{known} A file of your own ends in .py.")
    found = getattr(module, "EXPERIMENT", None)
    if not isinstance(found, fashion_zoo.experiments.Experiment):
        raise fashion_zoo.ConfigError(
            f"{what} defines no experiment: expected EXPERIMENT = fashion_zoo.experiments."
            f"Experiment(...), found {found!r}."
        )
    if what.endswith(".py") and _shipped(what):
        what = Path(what).stem
    command = shlex.join(["python", "-m", "recipes.experiment", what, *flags, "--seeds"])
    if what.endswith(".py") and found.name in names():
        if Path(what).stem in names():
            raise fashion_zoo.ConfigError(
                f"{what} has the name of an experiment of the package, whose runs it would "
                "replace. Rename the file."
            )
        own: dict[str, Any] = {
            "name": Path(what).stem,
            "folder": "",
            "page": "",
            "file": None,
            "more": None,
        }
        return dataclasses.replace(found, command=command, **own)
    return dataclasses.replace(found, command=found.command or command)


def _shipped(file: str) -> bool:
    """Return whether a file is in the folder of the experiments of the package."""
    folders = importlib.import_module(HOME).__path__
    return Path(file).resolve().parent in [Path(one).resolve() for one in folders]


@_common.command
def main(argv: list[str]) -> None:
    """Parse, measure, print."""
    options = _common.parse(RunExperiment, argv, "experiment")
    if options.list:
        width = max(map(len, names())) + 2
        for name in names():
            print(f"{name:<{width}}{find(name).question}")
        return
    if not options.what:
        raise fashion_zoo.ConfigError(
            f"experiment needs a name or a file, received nothing. Known: {', '.join(names())}."
        )
    source = options.data.source
    changes = {} if source is None else {"data": {"source": source}}
    flags = [] if source is None else ["--data.source", source]
    if flags and options.folder:
        flags += ["--folder", options.folder]
    found = find(options.what, [*flags, *_spelling.import_flags()])
    _common.start_keras(wake=options.measure)
    table = fashion_zoo.experiments.run(
        found,
        seeds=options.seeds,
        folder=options.folder,
        page=options.page,
        only=options.only,
        measure=options.measure,
        quick=options.quick,
        progress=True,
        **changes,
    )
    print(table)


if __name__ == "__main__":
    sys.exit(main())
