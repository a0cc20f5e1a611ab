"""Tuned recipes: what a search of each finds, and whether fresh seeds confirm it."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fashion_zoo
from fashion_zoo import errors, registry, runs
from fashion_zoo.evaluation.statistics import DIFFERENCE, mean_interval
from fashion_zoo.experiments import columns, page as pages
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.language.wording import counted, percent, points
from fashion_zoo.show.waiting import Progress
from fashion_zoo.storage import absolute
from recipes import _spelling
from recipes.benchmark.program import Program, Rows

RECIPES = ("baseline_mlp", "bn_mlp", "adaptive_dropout_mlp", "l2_mlp")
TRIALS = 20  # by default, of each search
CANDIDATES = 3  # trials that are trained again beside the defaults
# Bonferroni: with 95 % confidence every interval of a gain holds, not each of them alone.
LEVEL = 1 - 0.05 / CANDIDATES


def measure(
    seeds: int = 5,
    trials: int = TRIALS,
    folder: str | Path = "runs/tuned",
    only: str | None = None,
    progress: Progress = "auto",
    **changes: Any,
) -> Iterator[Row]:
    """Search each recipe, or only one, and train its best trials and its defaults again.

    Studies and runs are kept in ``folder``: an interrupted search is resumed, one with fewer
    trials goes on. ``changes`` are overrides of every config, for a quick look.
    """
    for name in RECIPES if only is None else (only,):
        found = fashion_zoo.tune(
            name,
            trials=trials,
            candidates=CANDIDATES,
            seeds=seeds,
            study_dir=absolute(folder) / name,
            progress=progress,
            **changes,
        )
        if not any(row["defaults"] for row in found.candidates):
            raise fashion_zoo.TrainingError(
                f"The defaults of {name} were not trained again, so nothing can be compared with "
                "them: they diverged, or another process trains them. Run it again when that is "
                "done."
            )
        for row in found.candidates:
            yield {"table": name, **_row(name, found, row)}


def _row(name: str, found: Any, row: Row) -> Row:
    counts = found.counts
    gains = () if row["defaults"] else ("gain", "gain_low", "gain_high")
    own = {one: row[one] for one in ("trial", "score", *gains)}
    own |= {"again": " ".join(map(str, row["again"]))}
    own |= {"trials": counts.planned, "done": counts.done, "pruned": counts.pruned}
    if not row["defaults"]:
        run = next((found.folder / "again").glob(f"trial-{row['trial']}-*"))  # they differ by seed
        own["command"] = command(name, runs.open_run(run).config)
    return own


def command(name: str, config: Any) -> str:
    """Return the command that trains a recipe with a config, whatever its seed."""
    base = registry.recipe(name).config
    hints = _spelling.changed(dataclasses.replace(config, seed=base.seed), base)
    return _spelling.command(errors.Call("train", (name,), hints))


def table(rows: Rows) -> str:
    """Return the Markdown table of a recipe, the best mean first, and the verdict below it."""
    first, lines, confirmed = rows[0], [], []
    (defaults,) = [_again(row) for row in rows if row["trial"] == 0]
    for row in rows:
        name, gain = "the defaults", ""
        if row["trial"] != 0:
            gains = [one - other for one, other in zip(_again(row), defaults, strict=True)]
            low, high = mean_interval(gains, DIFFERENCE, LEVEL)
            mean = sum(gains) / len(gains)
            name = str(row["trial"])
            ends = "" if math.isnan(low) else f" ({points(low)} to {points(high)})"
            gain = f"{points(mean)} points{ends}"
            confirmed += [row] if low > 0 else []
        lines.append([name, percent(row["score"]), columns.percent(_again(row)), gain])
    heads = ["trial", "score in the search", "trained again", "gain on the defaults"]
    return (
        f"`python -m recipes.benchmark tuned --only {first['table']} --trials {first['trials']} "
        f"--seeds {len(defaults)}` reproduces this: {counted(first['trials'], 'trial')}, "
        f"{first['done']} of them completed and {first['pruned']} pruned.\n\n"
        f"{pages.table(heads, lines, right=heads[1:2])}\n\n{_verdict(confirmed)}"
    )


def _again(row: Row) -> list[float]:
    return [float(one) for one in row["again"].split()]


def _verdict(confirmed: Rows) -> str:
    if not confirmed:
        return "No tuned variant was found: no interval of a gain is above 0."
    best = confirmed[0]
    return (
        f"Trial {best['trial']} is confirmed: the interval of its gain is above 0. This trains "
        f"it:\n\n```bash\n{best['command']}\n```"
    )


PROGRAM = Program(
    page="docs/tuned.md",
    tables=dict.fromkeys(RECIPES, table),
    note=lambda rows, machine: machine,
    measure=measure,
    takes=("seeds", "trials", "folder", "page", "only"),
)
