"""Classify pictures: ``python -m recipes.predict RUN PICTURE ...``."""

import dataclasses
import sys
from typing import Annotated, Any

import tyro

import fashion_zoo
from recipes import _common, _lines


@dataclasses.dataclass(frozen=True)
class Predict:
    """Classify picture files of any size and colour, with probabilities."""

    run: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RUN")]]
    """The run folder."""
    pictures: tyro.conf.Positional[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="PICTURE [PICTURE ...]")]
    ]
    """Picture files: PNG, JPEG or another format of Pillow."""
    top: int = 3
    """Number of classes to print."""
    invert: bool = False
    """Swap light and dark first, for a picture on another ground than the training images."""
    json: bool = False
    """Print JSON."""


@_common.command
def main(argv: list[str]) -> int:
    """Parse, predict, print."""
    options = _common.parse(Predict, argv, "predict")
    _common.start_keras()
    left_out: list[fashion_zoo.DataError] = []
    found = fashion_zoo.predict(
        options.run,
        options.pictures,
        top=options.top,
        invert=options.invert,
        skip=left_out.append,
    )
    for prediction in found:
        if prediction.is_faint:
            print(
                f"warning: {prediction.picture} has hardly any contrast once it is small and grey: "
                "its classes mean little, even with a high probability.",
                file=sys.stderr,
            )
        elif prediction.looks_inverted:
            inverted = "inverted" in prediction.notes  # by the run or by the flag, not by both
            as_it_is = ", which leaves it as it is" if inverted and not options.invert else ""
            print(
                f"warning: {prediction.picture} looks inverted{' once inverted' * inverted}: light "
                "at the border where the training images are dark, or the reverse. Try it "
                f"{'without' if options.invert else 'with'} --invert{as_it_is}.",
                file=sys.stderr,
            )
    if options.json:
        _common.print_json([prediction._asdict() for prediction in found])
    else:
        _print(found)
    for error in left_out:
        _common.say_error(error)
    return fashion_zoo.DataError.exit_code if left_out else 0


def _print(found: list[Any]) -> None:
    for prediction in found:
        notes = f" ({', '.join(prediction.notes)})" if prediction.notes else ""
        print(f"{prediction.picture}{notes}")
        for name, probability in prediction.classes:
            print(f"  {_lines.percent(probability):>8}  {name}")


if __name__ == "__main__":
    sys.exit(main())
