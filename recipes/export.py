"""Export a run: ``python -m recipes.export RUN --to FOLDER --format onnx``."""

import dataclasses
import sys
from typing import Annotated

import tyro

import fashion_zoo
from recipes import _common, _lines


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a run for other programs and prove, in a fresh process, that the export agrees.

    The export takes raw uint8 images (batch, height, width) and returns probabilities, class_index
    and class_name. Reading it needs neither keras nor fashion_zoo.
    """

    run: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RUN")]]
    """The run folder."""
    to: str
    """The folder of the export; it appears only when the proof holds."""
    format: str = "saved_model"
    """The format: saved_model, litert, onnx, or one of your own."""
    force: bool = False
    """Replace an older export there."""
    data: _common.Images = dataclasses.field(default_factory=_common.Images)
    json: bool = False
    """Print parity.json."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, export, print."""
    options = _common.parse(Export, argv, "export")
    _common.start_keras()
    parity = fashion_zoo.export(
        options.run, options.to, options.format, force=options.force, data=options.data.source
    )
    if options.json:
        _common.print_json(parity)
    else:
        print(f"{options.to}: {_lines.parity(parity)}")


if __name__ == "__main__":
    sys.exit(main())
