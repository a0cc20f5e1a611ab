"""Look into the layers of a run or a model: ``python -m recipes.inspect RUN``."""

import dataclasses
import functools
import os
import sys
from typing import Annotated, Any

import tyro

import fashion_zoo
from recipes import _common, _lines, _spelling


@dataclasses.dataclass(frozen=True)
class Inspect:
    """Look for faults in the layers of a run or of a Keras model, and write a page."""

    run: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RUN")]]
    """The run folder, or the file of a Keras model."""
    data: fashion_zoo.DataConfig = dataclasses.field(default_factory=fashion_zoo.DataConfig)
    to: str | None = None
    """The folder of the page; by default inspection in the run folder, else inspection."""
    images: int = 1024
    """Number of training images to use."""
    scale: float = 1.0
    """Factor of the pixels, such as 0.00392157 for a model that takes 0..1."""
    force: bool = False
    """Replace an older inspection there."""
    json: bool = False
    """Print all of inspection.json."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, inspect, print."""
    options = _common.parse(Inspect, argv, "inspect")
    is_run = os.path.isdir(options.run)
    place = options.to or os.path.join(options.run if is_run else "", "inspection")
    _common.start_keras()
    given = options.data if options.data != fashion_zoo.DataConfig() else None
    show = functools.partial(_print, options)
    fashion_zoo.inspect(
        options.run,
        to=place,
        data=given,
        images=options.images,
        scale=options.scale,
        force=options.force,
        show=show,
        progress=True,
    )
    if not options.json:
        print(f"page   {os.path.join(place, 'inspection.html')}")


def _print(options: Inspect, found: Any) -> None:
    """Print what was found, before anything is written."""
    if options.json:
        _common.print_json(found)
        return
    layers, epochs = found["epochs"][-1]["layers"], [one["epoch"] for one in found["epochs"]]
    print(f"{found['model']}: {_lines.counted(len(layers), 'layer')}; {', '.join(epochs)}")
    rows = [_row(layer) for layer in layers]
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    cells = [[row[name] for name in columns] for row in rows]
    fashion_zoo.show.print_table(None, columns, cells, numbers=len(columns) - 1)
    for line in (*found.lines, *found.advice):
        print(_spelling.message(line))
    if not found.lines:
        print("no findings")


def _row(layer: dict[str, Any]) -> dict[str, str]:
    """Return name of a column to the cell of a layer, empty if there is no such number."""
    gradient, update = layer["gradient"]["norm"], layer.get("kernel", {}).get("update_ratio")
    flat, rank = layer.get("saturated"), layer["effective_rank"]
    return {
        "layer": layer["name"],
        "units": f"{layer['units']:,}",
        "dead": _lines.percent(layer["dead"]),
        "saturated": "" if flat is None else _lines.percent(flat),
        "gradient": "" if gradient is None else f"{gradient:.1e}",
        "update": "" if update is None else f"{update:.1e}",
        "rank": "" if rank is None else f"{rank:.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())
