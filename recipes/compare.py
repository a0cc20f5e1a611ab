"""Compare recipes: ``python -m recipes.compare bn_mlp "bn_mlp --model.dropout 0.4" --seeds 5``."""

import dataclasses
import shlex
import sys
from typing import Annotated

import tyro

import fashion_zoo
from recipes import _common, _spelling
from recipes._help import Brief


@dataclasses.dataclass(frozen=True)
class Compare:
    """Train recipes with the same seeds, and say whether the others are better than the first.

    Each recipe is a name, or in quotes a name with flags as train takes them. Differences of test
    accuracy are paired over seeds and test images. The same command resumes what was interrupted.
    """

    recipes: tyro.conf.Positional[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="RECIPE RECIPE [RECIPE ...]")]
    ]
    """The recipes, the one that others are compared with first."""
    seeds: int = 5
    """Trainings of each recipe, with seeds 0, 1, ..., at least 2."""
    least: float = 0.0
    """The smallest gain of test accuracy that matters, a fraction: 0.001 is 0.1 points."""
    folder: str = "runs/compare"
    """Folder of the runs and the rows, which other comparisons share."""
    page: str | None = None
    """A page whose table is replaced."""
    json: bool = False
    """Print the verdicts as JSON."""


@dataclasses.dataclass(frozen=True)
class Compared(fashion_zoo.RunConfig):
    """The settings of one of the compared recipes, in quotes with its name."""


_BRIEF = Brief(
    (
        "training.epochs", "training.batch_size", "training.learning_rate", "training.augmentation",
        "model.hidden_units", "model.dropout", "precision",
    ),
    ("NAME --model.dropout 0.4",),
)  # fmt: skip


def arm(text: str) -> "fashion_zoo.experiments.Arm":
    """Return the arm of a name with flags, as one text."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise fashion_zoo.ConfigError(f"{text!r} cannot be read: {error}.") from error
    if not words:
        raise fashion_zoo.ConfigError("A recipe to compare has no name: received an empty text.")
    entry = _common.recipe_first(words, "compare")
    name = f"train {entry.name}"  # whose help has these flags
    _, config = _common.parse_config(Compared, words[1:], name, entry.config, _BRIEF)
    changes = {
        field: value
        for field in _common.CONFIG_FIELDS
        if (value := getattr(config, field)) != getattr(entry.config, field)
    }
    return fashion_zoo.experiments.Arm(shlex.join(words), entry.name, changes)


@_common.command
def main(argv: list[str]) -> None:
    """Parse, compare, print."""
    options = _common.parse(Compare, argv, "compare")
    arms = [arm(text) for text in options.recipes]
    _common.start_keras()
    least = ["--least", str(options.least)] if options.least else []
    flags = [*least, *_spelling.import_flags()]
    words = ["python", "-m", "recipes.compare", *options.recipes, *flags, "--seeds"]
    found = fashion_zoo.compare(
        arms,
        seeds=options.seeds,
        least=options.least,
        folder=options.folder,
        page=options.page,
        command=shlex.join(words),
        progress=True,
    )
    if options.json:
        _common.print_json([_plain(one) for one in found.verdicts])
    else:
        print(found)


def _plain(verdict: "fashion_zoo.experiments.Verdict") -> dict:
    found = {**verdict._asdict(), "arm": verdict.claim.arm, "against": verdict.base}
    return {name: value for name, value in found.items() if name not in ("claim", "base")}


if __name__ == "__main__":
    sys.exit(main())
