"""Search for better hyperparameters: ``python -m recipes.tune NAME``."""

import dataclasses
import functools
import shlex
import sys
from typing import Any

import fashion_zoo
from fashion_zoo.config import Pruner, Sampler
from recipes import _common, _lines, _workers


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
    epochs: int | None = None
    """Epochs of a trial; by default those of training.epochs."""
    sampler: Sampler = "tpe"
    """What suggests parameters."""
    pruner: Pruner = "asha"
    """What stops a trial that is behind."""
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
    json: bool = False
    """Print the result as JSON."""


@_common.command
def main(argv: list[str]) -> None:
    """Parse, search, print."""
    entry = _common.recipe_first(argv, "tune")
    kind = functools.partial(Tune, space=entry.space)
    options, config = _common.parse_config(kind, argv[1:], f"tune {entry.name}", entry.config)
    if options.epochs is not None:
        config = fashion_zoo.override(config, {"training": {"epochs": options.epochs}})
    space = fashion_zoo.override(options.space, _fixed(options.fix), "the space")
    if options.workers < 1:
        raise fashion_zoo.ConfigError(f"--workers must be at least 1, received {options.workers}.")
    if options.workers > 1:
        alone = ["--workers", "1", "--candidates", "0"]
        _workers.run_together(["recipes.tune", *argv, *alone], options.workers)
    _common.start_keras()
    found = fashion_zoo.tune(
        entry.name,
        config=config,
        space=space,
        study_dir=options.study_dir,
        storage_url=options.storage,
        progress=True,
        **{
            name: getattr(options, name)
            for name in (
                "trials", "sampler", "pruner", "seconds", "patience", "candidates", "seeds",
                "study_name", "lease",
            )
        },
    )  # fmt: skip
    if options.json:
        _common.print_json(
            {
                "study": str(found.folder),
                "trials": found.counts._asdict(),
                "candidates": found.candidates,
                "best": str(found.best) if found.best else None,
            }
        )
        return
    _print(entry.name, found)


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


def _print(name: str, found) -> None:
    counts = found.counts
    print(f"study       {found.folder}")
    print(
        f"trials      {counts.done} done, {counts.pruned} pruned, {counts.failed} failed, "
        f"of {counts.planned}"
    )
    for row in found.candidates:
        title = "defaults" if row["defaults"] else f"trial {row['trial']}"
        again = f"{_lines.percent(row['mean'])} over {len(row['again'])} fresh seeds"
        if row["low"] is not None:
            again += f" ({_lines.percent(row['low'])} to {_lines.percent(row['high'])})"
        print(f"{title:<12}score {_lines.percent(row['score'])}, trained again {again}")
    if not found.best:
        return
    print(_verdict(found.candidates))
    print(f"Next: python -m recipes.train {name} --config {shlex.quote(str(found.best))}")


def _verdict(candidates: list[dict[str, Any]]) -> str:
    """Say whether the search found something better than the defaults."""
    first = candidates[0]
    if first["defaults"]:
        return "No trial beats the defaults: the best config is the recipe's own."
    if first["gain_low"] is None:
        return f"Trial {first['trial']} is best; more seeds would say how surely."
    gain = (
        f"{100 * first['gain']:.2f} points (95 % interval {100 * first['gain_low']:.2f} to "
        f"{100 * first['gain_high']:.2f})"
    )
    if first["gain_low"] > 0:
        return f"Trial {first['trial']} beats the defaults by {gain}."
    return f"Trial {first['trial']} is {gain} above the defaults: no better that these seeds show."


if __name__ == "__main__":
    sys.exit(main())
