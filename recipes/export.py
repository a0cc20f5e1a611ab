"""Export a run: ``python -m recipes.export RUN --to FOLDER --format onnx``."""

import dataclasses
import sys

import tyro

import fashion_zoo
from recipes import _common, _lines


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a run for other programs and prove, in a fresh process, that the export agrees.

    The export takes raw uint8 images (batch, height, width) and returns probabilities, class_index
    and class_name. What reads it needs neither keras nor fashion_zoo.
    """

    run: tyro.conf.Positional[str]
    """The run folder."""
    to: str
    """The folder to make; it appears only when the proof holds."""
    format: str = "saved_model"
    """What to write, such as saved_model, litert or onnx."""
    force: bool = False
    """Replace an older export there."""
    json: bool = False
    """Print parity.json."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, export, print."""
    options = _common.parse(Export, argv, "export")
    _common.start_keras()
    parity = fashion_zoo.export(options.run, options.to, options.format, force=options.force)
    if options.json:
        _common.print_json(parity)
    else:
        print(f"{options.to}: {_lines.parity(parity)}")


if __name__ == "__main__":
    sys.exit(main())
