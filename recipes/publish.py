"""Publish the weights of a run: ``python -m recipes.publish RUN``."""

import dataclasses
import os
import sys
from typing import Annotated

import tyro

import fashion_zoo
from recipes import _common, _lines


@dataclasses.dataclass(frozen=True)
class Publish:
    """Publish the weights of a run of a recipe with its defaults, and measure them as stored.

    With a name, the training may have had other settings, such as a teacher.
    """

    run: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RUN")]]
    """The run folder."""
    name: str | None = None
    """Name of weights that were trained otherwise than by default: their word is SOURCE.NAME."""
    to: str | None = None
    """The folder of weights and manifest.json; by default that of this package."""
    force: bool = False
    """Replace other weights of the same recipe, data set and name."""
    json: bool = False
    """Print the row of manifest.json."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, publish, print."""
    options = _common.parse(Publish, argv, "publish")
    _common.start_keras()
    row = fashion_zoo.publish(options.run, name=options.name, to=options.to, force=options.force)
    if options.json:
        _common.print_json(dataclasses.asdict(row))
        return
    print(f"weights     {row.recipe}, {row.weights}")
    print(f"validation  {_figures(row.validation)}")
    print(f"test        {_figures(row.test)}")
    place = os.path.join(options.to or fashion_zoo.weights.FOLDER, row.file)
    print(f"file        {_lines.place(place)}, {row.size:,} bytes of {row.dtype}")


def _figures(found: fashion_zoo.weights.Figures) -> str:
    return (
        f"accuracy {_lines.percent(found.accuracy)} ({found.right:,} of {found.images:,} images), "
        f"NLL {found.nll:.4f}"
    )


if __name__ == "__main__":
    sys.exit(main())
