"""Test a row of the table of results: ``python -m recipes.verify NAME``."""

import dataclasses
import sys
from typing import Annotated

import tyro

import fashion_zoo
from recipes import _common

INCONSISTENT = 1  # exit code


@dataclasses.dataclass(frozen=True)
class Verify:
    """Train a recipe again with other seeds, and say whether its row of results is consistent."""

    recipe: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="NAME")]]
    """The recipe."""
    seeds: int | None = None
    """Number of new trainings: by default 3, or up to 20 if the row's seeds differ much."""
    folder: str = "runs/verification"
    """Folder of their runs; the same command resumes what was interrupted."""
    json: bool = False
    """Print the accuracies and the p-value as JSON."""


@_common.command
def main(argv: list[str]) -> int:
    """Parse, train, print; the exit code is 1 if the row is inconsistent."""
    options = _common.parse(Verify, argv, "verify")
    _common.start_keras()
    found = fashion_zoo.experiments.verify(
        options.recipe, seeds=options.seeds, folder=options.folder, progress=True
    )
    if options.json:
        verdict = {"consistent": found.consistent, "detectable": found.detectable}
        _common.print_json({**found._asdict(), **verdict})
    else:
        print(found)
    return 0 if found.consistent else INCONSISTENT


if __name__ == "__main__":
    sys.exit(main())
