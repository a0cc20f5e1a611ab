"""Draw what a policy does: ``python -m recipes.augment "flip | shift(2) | erase(0.5)"``."""

import dataclasses
import sys

import tyro

import fashion_zoo
from recipes import _common


@dataclasses.dataclass(frozen=True)
class Augment:
    """Draw training images, and below them what an augmentation policy makes of them.

    A policy is none, light, standard, strong, or operations with | between them, in quotes:
    "flip | shift(2) | erase(0.5)".
    """

    policy: tyro.conf.Positional[str]
    """The policy."""
    to: str = "augment.png"
    """The picture."""
    seed: int = 0
    """Key of the augmentation."""
    images: int = 10
    """How many images, one of each class in turn."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, draw, say where."""
    options = _common.parse(Augment, argv, "augment")
    fashion_zoo.policies.parse(options.policy)  # a typo is answered at once
    _common.start_keras()
    fashion_zoo.plot_augmentation(
        options.policy, options.to, seed=options.seed, images=options.images
    )
    print(options.to)


if __name__ == "__main__":
    sys.exit(main())
