"""Draw the results of a policy: ``python -m recipes.augment "flip | shift(2) | erase(0.5)"``."""

import dataclasses
import sys
from typing import Annotated

import tyro

import fashion_zoo
from recipes import _common, _help


@dataclasses.dataclass(frozen=True)
class Augment:
    """Draw training images, and below them the results of an augmentation policy.

    A policy is none, light, standard, strong, or operations with | between them, in quotes:
    "flip | shift(2) | erase(0.5)".
    """

    policy: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="POLICY")]]
    """The policy."""
    to: str = "augment.png"
    """The picture."""
    force: bool = False
    """Replace a file that this package has not drawn."""
    seed: int = 0
    """Key of the augmentation."""
    images: int = 10
    """Number of images, one of each class in turn."""
    data: fashion_zoo.DataConfig = dataclasses.field(default_factory=fashion_zoo.DataConfig)
    """The data."""


@_common.command
def main(argv: list[str]) -> int:
    """Parse, draw, say where."""
    if not argv:
        return _usage()
    options = _common.parse(Augment, argv, "augment")
    _common.start_keras()
    chosen = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    fashion_zoo.plot_augmentation(chosen.pop("policy"), **chosen)
    print(options.to)
    return 0


def _usage() -> int:
    """Print the words of a policy on stderr."""
    print(
        "usage: python -m recipes.augment POLICY [OPTIONS]\n\nWords of a policy:\n"
        f"{_help.table(fashion_zoo.policies.WORDS.lines())}\n\n"
        "python -m recipes.augment --help lists the options.\n"
        f"{_help.filled(_common.EVERYWHERE)}",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
