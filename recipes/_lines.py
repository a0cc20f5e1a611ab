"""Texts that several commands print."""

import dataclasses
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import fashion_zoo

counted, percent = fashion_zoo.wording.counted, fashion_zoo.wording.percent


def recipe_json(
    entry: fashion_zoo.Recipe, result: Any, published: Iterable[fashion_zoo.weights.Published]
) -> dict[str, Any]:
    """Return the facts, the results and the published weights of a recipe for JSON."""
    return {
        "name": entry.name,
        "summary": entry.summary,
        "reference": entry.reference,
        "parameters": entry.parameters,
        "tags": list(entry.tags),
        "result": dataclasses.asdict(result) if result else None,
        "weights": [dataclasses.asdict(row) for row in published if row.recipe == entry.name],
    }


def place(path: str | os.PathLike) -> str:
    """Return a path relative to this folder if it is inside, else absolute."""
    try:
        inside = os.path.relpath(path)
    except OSError:  # this folder is gone
        return os.fspath(path)
    return os.path.abspath(path) if inside.split(os.sep)[0] == os.pardir else inside


def places(text: str) -> str:
    """Return a text with every path inside this folder relative to it."""
    try:
        here = re.escape(os.path.join(os.getcwd(), ""))
    except OSError:  # this folder is gone
        return text
    # Not in the middle of another path, and not if the rest would look like a flag.
    return re.sub(rf"(?<![\w/.~-]){here}(?=[^\s-])", "", text) if here != os.sep else text


def parity(found: dict[str, Any]) -> str:
    """Format the proof of an export."""
    return (
        f"same class on {percent(found['same_class'])} of {found['images']:,} images, "
        f"probabilities within {found['largest_probability_difference']:.1e}"
    )


def flags(settings: Mapping[str, Any], prefix: str = "") -> Iterator[list[str]]:
    """Yield the words of the command line for each setting; a mapping is a section.

    ``prefix`` is the section of all of them, with its dot.
    """
    for name, value in settings.items():
        name = name.replace("_", "-")
        match value:
            case Mapping():
                yield from flags(value, f"{prefix}{name}.")
            case bool():
                yield [f"--{prefix}{'' if value else 'no-'}{name}"]
            case tuple() | list():
                yield [f"--{prefix}{name}", *map(str, value)]
            case _:
                yield [f"--{prefix}{name}", "none" if value is None else str(value)]
