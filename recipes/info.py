"""Show one recipe: ``python -m recipes.info NAME``."""

import dataclasses
import shlex
import statistics
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import tyro

import fashion_zoo
from recipes import _common, _lines


@dataclasses.dataclass(frozen=True)
class Info:
    """Show one recipe: its idea, reference, defaults, results and published weights."""

    name: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="NAME")]]
    """The recipe."""
    json: bool = False
    """Print JSON."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, look up, print."""
    options = _common.parse(Info, argv, "info")
    entry = fashion_zoo.recipe(options.name)
    result = fashion_zoo.read_results().get(entry.name)
    published = fashion_zoo.weights.list_weights()
    defaults = dataclasses.asdict(entry.config)
    if options.json:
        _common.print_json({**_lines.recipe_json(entry, result, published), "defaults": defaults})
        return
    print(f"{entry.name}: {entry.summary}")
    print(f"reference   {entry.reference or 'none given'}")
    print(f"parameters  {entry.parameters:,}, trainable")
    print(f"tags        {', '.join(entry.tags) or 'none'}")
    if initializer := getattr(entry.config.model, "initializer", None):
        print(f"kernels     {initializer}, initially")
    if result:
        test, validation = (_reached(result, part) for part in ("test", "validation"))
        seconds = statistics.median(result.values("seconds"))
        print(
            f"reached     {test} on test, {validation} on validation, mean and 95 % interval of "
            f"{_lines.counted(len(result.rows), 'seed')}, median {seconds:.0f} s on "
            f"{result.rows[0]['machine']}"
        )
    else:
        print("reached     not measured")
    for line in _weights(entry.name, published) or ["none published"]:
        print(f"weights     {line}")
    print("defaults")
    for words in _lines.flags(defaults):
        print(f"  {shlex.join(words)}")


def _reached(result: Any, part: str) -> str:
    """Return the mean accuracy, with the interval of the table of results."""
    values, images = result.values(f"{part}_accuracy"), result.rows[0].get(f"{part}_images")
    mean = _lines.percent(result.mean(f"{part}_accuracy"))
    if len(values) < 2 or images is None:
        return mean
    low, high = fashion_zoo.evaluation.sampled_interval(values, images)
    return f"{mean} ({_lines.percent(low)} to {_lines.percent(high)})"


def _weights(name: str, published: Iterable[fashion_zoo.weights.Published]) -> list[str]:
    """Return what each file of published weights reaches, as it is stored."""
    return [
        f"{row.weights}: {_lines.percent(row.test.accuracy)} on test, "
        f"{_lines.percent(row.validation.accuracy)} on validation, seed {row.seed}"
        for row in published
        if row.recipe == name
    ]


if __name__ == "__main__":
    sys.exit(main())
