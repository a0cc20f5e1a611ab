"""Train a recipe: ``python -m recipes.train NAME``."""

import dataclasses
import sys
from typing import Literal

import fashion_zoo
from fashion_zoo import errors
from recipes import _common, _lines, _spelling
from recipes._help import Brief


@dataclasses.dataclass(frozen=True)
class Train(fashion_zoo.RunConfig):
    """Train a recipe into a run folder, then evaluate it on the test images and export it."""

    config: str | None = None
    """A file with the defaults: best.json of a search, or config.json of a run."""
    run_dir: str | None = None
    """The run folder; by default runs/NAME-DATE-TIME."""
    force: bool = False
    """Replace an older run in the run folder."""
    resume: bool = False
    """Resume the run in the run folder, with its own config; if there is none, begin one."""
    fork: str | None = None
    """A run whose weights, optimizer, history and epochs the new one starts from."""
    devices: Literal["one", "all"] | None = None
    """Devices of this machine to train on, one by default; all divides each batch among them."""
    evaluate: bool = True
    """Evaluate on the test images at the end."""
    export: bool = True
    """Write a SavedModel into the run folder at the end."""
    json: bool = False
    """Print the result as JSON."""


_BRIEF = Brief(
    (
        "training.epochs", "training.batch_size", "training.learning_rate", "training.augmentation",
        "model.hidden_units", "model.dropout", "seed", "precision", "run_dir", "resume",
    ),
    (
        "NAME --epochs 5 --seed 3 --run-dir runs/mine",
        "NAME --run-dir runs/mine --resume",
    ),
)  # fmt: skip


@_common.command
def main(argv: list[str]) -> int:
    """Parse, train, print."""
    entry = _common.recipe_first(argv, "train")
    return run(Train, entry, argv[1:], f"train {entry.name}", _BRIEF)


def run(
    kind: type[Train], entry: fashion_zoo.Recipe, words: list[str], name: str, brief: Brief
) -> int:
    """Train a recipe as the words of the command ``name`` say, print, and return the exit code."""
    options, config = _common.parse_config(kind, words, name, entry.config, brief)
    if options.resume and not options.run_dir:
        raise fashion_zoo.ConfigError("--resume needs --run-dir, the run folder to resume.")
    if options.config and (options.resume or options.fork):
        raise fashion_zoo.ConfigError(
            "--config cannot be combined with --resume or --fork, which take a run's own config."
        )
    run_dir = options.run_dir
    if run_dir:  # before the seconds that keras takes
        fashion_zoo.check_free(run_dir, force=options.force, resume=options.resume)
    if options.resume or options.fork or options.config:  # once more, with other defaults
        resumed = run_dir if options.resume else None
        stored = (
            fashion_zoo.read_config(options.config, entry.name)
            if options.config
            else fashion_zoo.stored_config(entry.name, resumed, options.fork)
        )
        options, config = _common.parse_config(kind, words, name, stored, brief)
    _common.start_keras()
    try:
        trained = fashion_zoo.train(
            entry.name,
            config=config,
            run_dir=run_dir,
            force=options.force,
            resume=options.resume,
            fork=options.fork,
            devices=options.devices,
            evaluate=options.evaluate,
            export=options.export,
            progress=True,
            **_common.of_the_model(words, config.model),
        )
    except fashion_zoo.TrainingInterrupted as interrupt:
        trained = interrupt.trained
    if options.json:
        _common.print_json(
            {
                "run": str(trained.run.path),
                "training": trained.training,
                "evaluation": trained.evaluation,
                "parity": trained.parity,
            }
        )
    else:
        _print(trained)
    return 0 if trained.training["finished"] else _common.INTERRUPTED


def _averaging(kept: str, monitor: str, raw: float, averaged: float, **_) -> str:
    """Return the line on both weights and the ones that were kept."""

    def write(value: float) -> str:
        return format(value, ".4f") if monitor == "loss" else _lines.percent(value)

    chosen = {"raw": "the training's own weights", "averaged": "the averaged weights"}
    name = monitor.replace("_", " ")
    return f"{chosen[kept]} kept: {name} {write(averaged)} averaged, {write(raw)} without"


def _print(trained) -> None:
    training, path = trained.training, _lines.place(trained.run.path)
    if not training["finished"]:
        print(fashion_zoo.TrainingInterrupted(trained))
        hints = (errors.Hint("run_dir", path), errors.Hint("resume", True))
        print("Resume with:", _spelling.command(errors.Call("train", (trained.run.recipe,), hints)))
    print(f"run         {path}")
    print(
        f"trained     {_lines.counted(training['epochs'], 'epoch')} in {training['seconds']:.0f} s"
    )
    early, kept = training.get("stopped_early"), training.get("weights_of_epoch")
    if early:
        print(f"stopped     early: {early}")
    if kept and (early or kept != training["epochs"]):
        print(f"weights     of epoch {kept}")
    print(f"validation  accuracy {_lines.percent(training['validation_accuracy'])}")
    if averaging := training.get("averaging"):
        print(f"averaging   {_averaging(**averaging)}")
    if trained.evaluation:
        print(f"test        {trained.evaluation.summary.removeprefix('test ')}")
    if trained.parity:
        print(f"export      {path}/saved_model: {_lines.parity(trained.parity)}")
    if not trained.evaluation:
        print("Evaluate it with:", _spelling.command(errors.Call("evaluate", (path,))))
    else:
        print(f"pictures    {path}/curves.png, confusion.png, reliability.png, errors.png")
        print("Next:", _spelling.command(errors.Call("predict", (path, "PICTURE"))))


if __name__ == "__main__":
    sys.exit(main())
