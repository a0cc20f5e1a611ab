"""Make one model of several runs: ``python -m recipes.ensemble RUN RUN --to FOLDER``."""

import dataclasses
import sys
from typing import Annotated, Any

import tyro

import fashion_zoo
from fashion_zoo import errors
from recipes import _common, _lines, _spelling


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """Combine the models of several runs, chosen by the validation images, into a new run.

    The runs must have been trained on the same images. evaluate, export and predict take the
    result as any run.
    """

    runs: tyro.conf.Positional[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="RUN RUN [RUN ...]")]
    ]
    """The run folders of the members."""
    to: str
    """The folder of the ensemble."""
    method: str = "average"
    """How they are combined: average, greedy(10), soup, stack, or one of your own."""
    snapshots: bool = False
    """Combine the snapshots that the runs have of their trainings, in place of their models."""
    temperature: bool = False
    """Fit a temperature of the probabilities on the validation images; classes stay."""
    force: bool = False
    """Replace an older run or ensemble there."""
    data: _common.Images = dataclasses.field(default_factory=_common.Images)
    json: bool = False
    """Print what the ensemble is made of as JSON."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, combine, print."""
    options = _common.parse(Ensemble, argv, "ensemble")
    _common.start_keras()
    run = fashion_zoo.ensemble(
        options.runs,
        options.method,
        to=options.to,
        temperature=options.temperature,
        snapshots=options.snapshots,
        data=options.data.source,
        force=options.force,
    )
    if options.json:
        _common.print_json(run.ensemble)
        return
    _print(run, run.ensemble or {})


def _print(run: fashion_zoo.Run, made: Any) -> None:
    best, place = made.best, _lines.place(run.path)
    gain = f"{fashion_zoo.wording.points(made.gain)} points"
    name = f"{_lines.place(best['path'])} ({best['recipe']}, seed {best['seed']})"
    for member in made["members"]:
        weight = "" if member["weight"] is None else f", weight {member['weight']:.3f}"
        reached = _lines.percent(member["validation_accuracy"])
        print(f"member       {reached}  {_lines.place(member['path'])}{weight}")
    print(f"best member  {_lines.percent(best['validation_accuracy'])}  {name}")
    print(f"ensemble     {_lines.percent(made['validation_accuracy'])}  {made.title}, {gain}")
    print(f"parameters   {made['parameters']:,}, of the best member {made['member_parameters']:,}")
    if made["temperature"] is not None:
        print(f"temperature  {made['temperature']:.3f}")
    print(f"run          {place}")
    print("Next:", _spelling.command(errors.Call("evaluate", (place,))))


if __name__ == "__main__":
    sys.exit(main())
