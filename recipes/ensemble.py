"""Make one model of several runs: ``python -m recipes.ensemble RUN RUN``.

With ``--train NAME`` it trains the runs first.
"""

import dataclasses
import sys
from typing import Annotated, Any

import tyro

import fashion_zoo
from fashion_zoo import errors
from recipes import _common, _lines, _spelling
from recipes._help import Brief


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """Combine the models of several runs, chosen by the validation images, into a new run.

    The runs must have been trained on the same images. evaluate, export and predict take the
    result as any run. --train NAME as the first words trains the members: --train NAME --help.
    """

    runs: tyro.conf.Positional[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="RUN RUN [RUN ...]")]
    ]
    """The run folders of the members."""
    to: str | None = None
    """The folder of the ensemble; by default runs/ensemble-DATE-TIME."""
    method: str = "average"
    """How they are combined, such as average, greedy(10), soup or stack, or a word of your own."""
    snapshots: bool = False
    """Combine the snapshots that the runs have of their trainings, in place of their models."""
    temperature: bool = False
    """Fit a temperature of the probabilities on the validation images; classes stay."""
    force: bool = False
    """Replace an older run or ensemble there."""
    data: _common.Images = dataclasses.field(default_factory=_common.Images)
    json: bool = False
    """Print the folder of the ensemble and what it is made of as JSON."""


@dataclasses.dataclass(frozen=True)
class TrainEnsemble(fashion_zoo.RunConfig):
    """Train the members of an ensemble, and combine them into a run.

    The same command resumes after an interruption: what is finished is not trained again.
    """

    to: str = ""
    """The folder of the ensemble."""
    method: fashion_zoo.ensembles.Training = "seeds"
    """How the members are trained: with seeds of their own; on bootstrap samples as well; with more
    weight on images that those before them miss; or as snapshots of one training."""
    members: int = 5
    """Number of members, for snapshots of cycles of the learning rate."""
    members_dir: str | None = None
    """The folder of the members; by default that of the ensemble with -members."""
    temperature: bool = False
    """Fit a temperature of the probabilities on the validation images; classes stay."""
    force: bool = False
    """Replace an older run or ensemble in the folder of the ensemble."""
    json: bool = False
    """Print the folder of the ensemble and what it is made of as JSON."""


_BRIEF = Brief(
    (
        "method", "members", "to", "members_dir", "temperature", "training.epochs",
        "training.batch_size", "training.learning_rate", "model.hidden_units", "seed", "precision",
    ),
    (
        "NAME --method bagging --members 5 --to ensembles/bagged",
        "NAME --method boosting --epochs 10 --to ensembles/boosted",
    ),
)  # fmt: skip


@_common.command
def main(argv: list[str]) -> None:
    """Parse, combine or train, print."""
    if argv and argv[0].partition("=")[0] == "--train":
        _, sign, name = argv[0].partition("=")
        _train([name, *argv[1:]] if sign else argv[1:])
        return
    # Their type allows no runs at all.
    options = _common.parse(Ensemble, argv or ["--help"], "ensemble")
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
    _show(run, options.json)


def _train(argv: list[str]) -> None:
    entry = _common.recipe_first(argv, "ensemble --train")
    name, words = f"ensemble --train {entry.name}", argv[1:]
    options, config = _common.parse_config(TrainEnsemble, words, name, entry.config, _BRIEF)
    if not options.to:
        raise fashion_zoo.ConfigError("--train needs --to, the folder of the ensemble.")
    _common.start_keras()
    run = fashion_zoo.train_ensemble(
        entry.name,
        options.method,
        to=options.to,
        members=options.members,
        members_dir=options.members_dir,
        temperature=options.temperature,
        config=config,
        force=options.force,
        progress=True,
        **_common.of_the_model(words, config.model),
    )
    _show(run, options.json)


def _show(run: fashion_zoo.Run, as_json: bool) -> None:
    if as_json:
        _common.print_json({"run": _lines.place(run.path), **(run.ensemble or {})})
    else:
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
