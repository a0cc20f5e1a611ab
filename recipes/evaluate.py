"""Evaluate a run: ``python -m recipes.evaluate RUN``."""

import dataclasses
import functools
import sys
from typing import Any

import tyro

import fashion_zoo
from fashion_zoo.show.waiting import paused, waiting
from recipes import _common, _lines


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Measure a run on the 10,000 test images and write evaluation.json and three pictures."""

    run: tyro.conf.Positional[str]
    """The run folder."""
    json: bool = False
    """Print all of evaluation.json."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, evaluate, print."""
    options = _common.parse(Evaluate, argv, "evaluate")
    _common.start_keras()
    with waiting("Evaluating on the test images"):
        fashion_zoo.evaluate(options.run, show=functools.partial(_show, options.json))
    if not options.json:
        print(f"Pictures: {options.run}/confusion.png, reliability.png, errors.png")


def _show(as_json: bool, found: dict[str, Any]) -> None:
    with paused("Drawing the pictures"):
        _print(as_json, found)


def _print(as_json: bool, found: dict[str, Any]) -> None:
    """Print the numbers, before anything else can fail."""
    if as_json:
        _common.print_json(found)
        return
    from fashion_zoo.show.tables import print_table

    print(_lines.accuracy(found))
    ece = f"{_lines.percent(found['ece'])} ({len(found['bins'])} bins)"
    print(f"NLL {found['nll']:.4f}   Brier {found['brier']:.4f}   ECE {ece}")
    print_table(
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
