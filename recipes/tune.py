"""Search for better hyperparameters: ``python -m recipes.tune NAME``."""

import dataclasses
import functools
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import tyro

import fashion_zoo
from fashion_zoo.config import Cost, Pruner, Sampler
from fashion_zoo.errors import Call, Hint
from fashion_zoo.language.wording import cost, counted
from fashion_zoo.show.trials import verdict
from recipes import _common, _lines, _spelling, _workers
from recipes._help import Brief


@dataclasses.dataclass(frozen=True)
class Tune(fashion_zoo.RunConfig):
    """Search for a recipe's hyperparameters on the validation images; the same call goes on.

    A range is written log(1e-4, 1e-2), uniform(0, 0.5), whole(1, 5), choice('adam', 'sgd'),
    0 | log(1e-6, 1e-3) for zero or a value of the range, or a value alone.
    """

    space: Any = None
    """What the search may change, each a range."""
    fix: tuple[str, ...] = ()
    """Parameters that are not searched, such as optimizer=adamw depth=3."""
    trials: int = 40
    """Number of trials of the study in all; the first one has the defaults."""
    sampler: Sampler = "tpe"
    """What suggests parameters."""
    pruner: tyro.conf.DisallowNone[Pruner | None] = None
    """What stops a trial that is behind; by default asha, and none beside --minimize."""
    minimize: tuple[Cost, ...] = ()
    """What is minimized beside the accuracy; the best trials are then those of a Pareto front."""
    executions: int = 1
    """Trainings of a trial, each with another seed; their mean is its score."""
    folds: int = 0
    """Folds of the training images that are held out in turn; 0 takes the validation images."""
    seconds: float | None = None
    """Begin no trial after so many seconds."""
    patience: int | None = None
    """Begin no trial after so many in a row without a better score."""
    candidates: int = 3
    """How many of the best are trained again with fresh seeds; 0 leaves this out."""
    seeds: int = 5
    """Trainings of each of them."""
    study_dir: str | None = None
    """The study folder; by default studies/NAME."""
    storage: str | None = None
    """sqlite:///FILE or postgresql://...; by default a file in the study folder."""
    study_name: str | None = None
    """Name of the study in the storage; by default the recipe's."""
    workers: int = 1
    """Processes that share the trials on this machine, each with its share of the cores."""
    lease: float = 60.0
    """Seconds without a sign of life after which another worker's trial is taken over."""
    gpu_memory: int | None = None
    """MiB of the GPU that each process may take, so that several share it."""
    dashboard: bool = False
    """Search nothing, and serve optuna-dashboard on the study until Ctrl-C."""
    port: int = 8080
    """Where the dashboard listens."""
    json: bool = False
    """Print the result as JSON."""


_BRIEF = Brief(
    (
        "trials", "training.epochs", "fix", "space.learning_rate", "minimize", "seconds",
        "candidates", "seeds", "workers", "study_dir",
    ),
    (
        "NAME --trials 20 --epochs 10",
        'NAME --fix optimizer=adamw depth=3 --space.learning-rate "log(1e-3, 1e-2)"',
    ),
)  # fmt: skip
_PASSED = (
    "trials", "sampler", "pruner", "minimize", "executions", "folds", "seconds", "patience",
    "candidates", "seeds", "study_name", "lease",
)  # fmt: skip


@_common.command
def main(argv: list[str]) -> None:
    """Parse, search, print."""
    entry = _common.recipe_first(argv, "tune")
    kind = functools.partial(Tune, space=entry.space)
    options, config = _common.parse_config(
        kind, argv[1:], f"tune {entry.name}", entry.config, _BRIEF
    )
    place: dict[str, Any] = {"study_dir": options.study_dir, "storage_url": options.storage}
    if options.dashboard:
        _common.start_keras(wake=False)
        fashion_zoo.dashboard(entry.name, port=options.port, **place)
        return
    space = fashion_zoo.override(options.space, _fixed(options.fix), "the space")
    fashion_zoo.data.load(config.data)
    if options.workers < 1:
        raise fashion_zoo.ConfigError(f"--workers must be at least 1, received {options.workers}.")
    words = ["recipes.tune", *argv, *_spelling.import_flags()]
    if options.workers > 1:
        alone = ["--workers", "1", "--candidates", "0"]
        _workers.run_together([*words, *alone], options.workers)
    _common.start_keras(options.gpu_memory)
    command = shlex.join(["python", "-m", *words])
    passed = {name: getattr(options, name) for name in _PASSED}
    found = fashion_zoo.tune(
        entry.name, config=config, space=space, progress=True, command=command, **place, **passed
    )
    if options.json:
        _common.print_json(
            {
                "study": str(found.folder),
                "trials": found.counts._asdict(),
                "seconds": found.seconds,
                "overhead": found.overhead,
                "candidates": found.candidates,
                "best": str(found.best) if found.best else None,
            }
        )
        return
    _print(entry.name, found, options.minimize)


def _fixed(words: tuple[str, ...]) -> dict[str, str]:
    fixed = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not value:
            raise fashion_zoo.ConfigError(
                f"--fix takes NAME=VALUE, such as optimizer=adamw, received {word!r}."
            )
        fixed[name.replace("-", "_")] = fashion_zoo.ranges.fixed(value)
    return fixed


def _print(name: str, found: Any, minimize: Sequence[Cost]) -> None:
    counts = found.counts
    print(f"study       {_lines.place(found.folder)}")
    print(
        f"trials      {counts.done} done, {counts.pruned} pruned, {counts.failed} failed, "
        f"of {counts.planned}"
    )
    if found.seconds >= 1:
        share = _lines.percent(found.overhead / found.seconds)
        print(f"time        {found.seconds:.0f} s, {share} of it in the study")
    for row in found.candidates:
        title = "defaults" if row["defaults"] else f"trial {row['trial']}"
        again = f"{_lines.percent(row['mean'])} over {counted(len(row['again']), 'fresh seed')}"
        if row["low"] is not None:
            again += f" ({_lines.percent(row['low'])} to {_lines.percent(row['high'])})"
        score = ", ".join(
            [_lines.percent(row["score"]), *(cost(one, row[one]) for one in minimize)]
        )
        print(f"{title:<12}score {score}, trained again {again}")
    if not found.best:
        return
    print(verdict(found.candidates))
    call = Call("train", (name,), (Hint("config", _lines.place(found.best)),))
    print("Next:", _spelling.command(call))


if __name__ == "__main__":
    sys.exit(main())
