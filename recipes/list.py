"""List the recipes: ``python -m recipes.list``."""

import dataclasses
import sys
from typing import Annotated

import tyro

import fashion_zoo
from recipes import _common, _help, _lines


@dataclasses.dataclass(frozen=True)
class List:
    """List the recipes with their parameters, their accuracy and their published weights."""

    pattern: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="PATTERN")]] = "*"
    """A shell pattern of names, such as '*dropout*'."""
    json: bool = False
    """Print JSON."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, look up, print."""
    options = _common.parse(List, argv, "list")
    entries = [fashion_zoo.recipe(name) for name in fashion_zoo.list_recipes(options.pattern)]
    if not entries and not options.json:
        message = fashion_zoo.unknown("recipe", options.pattern, fashion_zoo.list_recipes())
        raise fashion_zoo.ConfigError(message)
    results, published = fashion_zoo.read_results(), fashion_zoo.weights.list_weights()
    if options.json:
        _common.print_json(
            [_lines.recipe_json(entry, results.get(entry.name), published) for entry in entries]
        )
        return
    fashion_zoo.show.print_table(
        None,
        ["recipe", "idea", "parameters", "test accuracy"],
        [
            [entry.name, entry.summary, f"{entry.parameters:,}", _reached(results.get(entry.name))]
            for entry in entries
        ],
        numbers=2,
    )
    names: dict[str, list[str]] = {}
    for row in published:
        if any(entry.name == row.recipe for entry in entries):
            names.setdefault(row.weights, []).append(row.recipe)
    if names:
        print("Published weights, and the recipes that have them:")
        print(_help.table({word: ", ".join(own) for word, own in names.items()}))


def _reached(result) -> str:
    return _lines.percent(result.mean("test_accuracy")) if result else "not measured"


if __name__ == "__main__":
    sys.exit(main())
