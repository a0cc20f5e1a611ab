"""Evaluate a run: ``python -m recipes.evaluate RUN``."""

import dataclasses
import functools
import sys
from typing import Annotated, Any

import tyro

import fashion_zoo
from recipes import _common, _lines


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Measure a run on the test images and write evaluation.json and three pictures."""

    run: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RUN")]]
    """The run folder."""
    data: _common.Images = dataclasses.field(default_factory=_common.Images)
    suspects: str | None = None
    """Folder of an audit, or file of test images, without which the accuracy is stated as well."""
    json: bool = False
    """Print all of evaluation.json."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, evaluate, print."""
    options = _common.parse(Evaluate, argv, "evaluate")
    _common.start_keras()
    show = functools.partial(_print, options.json)
    fashion_zoo.evaluate(
        options.run, data=options.data.source, suspects=options.suspects, show=show
    )
    if not options.json:
        print(f"Pictures: {options.run}/confusion.png, reliability.png, errors.png")


def _print(as_json: bool, found: Any) -> None:
    """Print the numbers, before a file is written."""
    if as_json:
        _common.print_json(found)
        return
    print(found.summary.removeprefix("test "))
    if found.without_suspects:
        print(found.without_suspects)
    if found.balance:
        print(found.balance)
    print("   ".join(f"{title} {number}" for title, number in found.scores.items()))
    fashion_zoo.show.print_table(
        None,
        ["class", "precision", "recall", "F1", "images"],
        [
            [
                row["name"],
                *(_lines.percent(row[key]) for key in ("precision", "recall", "f1")),
                f"{row['images']:,}",
            ]
            for row in found["classes"]
        ],
        numbers=4,
    )


if __name__ == "__main__":
    sys.exit(main())
