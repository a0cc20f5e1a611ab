"""Search for better hyperparameters: ``python -m recipes.tune NAME``."""

import dataclasses
import functools
import re
import sys
from collections.abc import Sequence
from typing import Any

import tyro

import fashion_zoo
from fashion_zoo import errors
from recipes import _common, _lines, _spelling, _workers
from recipes._help import Brief


@dataclasses.dataclass(frozen=True)
class Tune(fashion_zoo.SearchConfig, fashion_zoo.RunConfig):
    """Search for a recipe's hyperparameters on the validation images; the same call resumes it.

    A range is written log(1e-4, 1e-2), uniform(0, 0.5), whole(1, 5), choice('adam', 'sgd'),
    0 | log(1e-6, 1e-3) for zero or a value of the range, or a value alone.
    """

    space: Any = None
    """The ranges of the search."""
    fix: tuple[str, ...] = ()
    """Parameters that are not searched, such as optimizer=adamw depth=3."""
    pruner: tyro.conf.DisallowNone[fashion_zoo.config.Pruner | None] = None
    """The pruner, which stops poor trials; by default asha, or none beside --minimize."""
    study_dir: str | None = None
    """The study folder; by default studies/NAME."""
    storage: str | None = None
    """sqlite:///FILE or postgresql://...; by default a file in the study folder."""
    study_name: str | None = None
    """Name of the study in the storage; by default the recipe's."""
    workers: int = 1
    """Processes that share the trials on this machine, each with its share of the cores."""
    gpu_memory: int | None = None
    """MiB of the GPU that each process may allocate, so that several share it."""
    dashboard: bool = False
    """Search nothing, and serve optuna-dashboard on the study until Ctrl-C."""
    port: int = 8080
    """Port of the dashboard."""
    json: bool = False
    """Print the result as JSON."""

    def __post_init__(self) -> None:
        fashion_zoo.RunConfig.__post_init__(self)  # main makes a SearchConfig


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
    asked = [field.name for field in dataclasses.fields(fashion_zoo.SearchConfig)]
    search = fashion_zoo.SearchConfig(**{name: getattr(options, name) for name in asked})
    if options.workers > 1:
        alone = ["--workers", "1", "--candidates", "0"]
        words = [*_spelling.given, *_spelling.import_flags(), *alone]
        _workers.run_together(words, options.workers)
    _common.start_keras(options.gpu_memory)
    found = fashion_zoo.tune(
        entry.name,
        search=search,
        config=config,
        space=space,
        study_name=options.study_name,
        progress=True,
        command=_spelling.again(),
        **place,
        **_common.of_the_model(argv, config.model),
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
        if re.search(r",[\w-]+=[^()]*$", value):
            raise fashion_zoo.ConfigError(
                f"--fix takes several NAME=VALUE with spaces between them, received {word!r}."
            )
        fixed[name.replace("-", "_")] = fashion_zoo.ranges.fixed(value)
    return fixed


def _print(name: str, found: Any, minimize: Sequence[str]) -> None:
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
        again = (
            f"{_lines.percent(row['mean'])} over {_lines.counted(len(row['again']), 'fresh seed')}"
        )
        if row["low"] is not None:
            again += f" ({_lines.percent(row['low'])} to {_lines.percent(row['high'])})"
        costs = (fashion_zoo.wording.cost(one, row[one]) for one in minimize)
        score = ", ".join([_lines.percent(row["score"]), *costs])
        print(f"{title:<12}score {score}, trained again {again}")
    if not found.best:
        return
    print(found.verdict)
    call = errors.Call("train", (name,), (errors.Hint("config", _lines.place(found.best)),))
    print("Next:", _spelling.command(call))


if __name__ == "__main__":
    sys.exit(main())
