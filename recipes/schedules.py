"""Draw schedules: ``python -m recipes.schedules "warmup(0.05) >> cosine(1, 0.001)" one_cycle``."""

import dataclasses
import sys
from typing import Annotated

import tyro

import fashion_zoo
from recipes import _common


@dataclasses.dataclass(frozen=True)
class Schedules:
    """Draw schedules side by side into a picture."""

    schedules: tyro.conf.Positional[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="[SCHEDULE [SCHEDULE ...]]")]
    ] = ()
    """Schedules such as one_cycle or "warmup(0.05) >> cosine(1, 0.001)"; all of them by default."""
    to: str = "schedules.png"
    """The picture."""
    overlay: bool = False
    """Draw all on the same axes."""
    force: bool = False
    """Replace a file that this package has not drawn."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, draw, say where."""
    options = _common.parse(Schedules, argv, "schedules")
    fashion_zoo.plot_schedules(
        options.schedules, options.to, overlay=options.overlay, force=options.force
    )
    print(options.to)


if __name__ == "__main__":
    sys.exit(main())
