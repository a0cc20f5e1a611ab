"""Search: a contest with KerasTuner's tuners, and what a search costs."""

import operator
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.experiments import columns, page as pages
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.seeds import derive
from fashion_zoo.show.waiting import Progress, waiting
from fashion_zoo.storage import absolute
from recipes.benchmark.program import Program, Rows, measure_once, pivot

TUNERS = ("fashion_zoo", "RandomSearch", "Hyperband")
SECONDS = 90.0  # per search of the contest
IN_A_CONTEST: Mapping[str, Any] = {"data": {"limit": 10_000}, "training": {"epochs": 20}}
AGAIN = 3  # trainings of the best trial, with fresh seeds
ARITHMETIC, REPORTS = 500, 20  # trials whose cost is measured, and reports of each
TINY, EARLY = 200, 20  # trials of a tiny model, and the one whose memory the last is compared with
TRIALS = 40  # of the search of a recipe whose whole time is measured


def measure(
    seeds: int = 5, folder: str | Path = "runs/search", progress: Progress = "auto", **changes: Any
) -> Iterator[Row]:
    """Measure the contest and the cost.

    Outcomes are kept in ``folder`` and not measured again. There are ``seeds`` searches of each
    tuner. ``changes`` are overrides of every config, for a quick look.
    """
    need_tensorflow()
    folder = absolute(folder)
    yield from measure_contest(seeds, folder, changes)
    yield from measure_cost(folder, changes, progress)


def measure_contest(repetitions: int, folder: Path, changes: Mapping[str, Any]) -> Iterator[Row]:
    """Search with every tuner for the same time, interleaved, each time in another order.

    Seeds are far apart, because KerasTuner draws with seed, seed + 1, ...: neighbours would share
    their draws.
    """
    from recipes.benchmark.searching import contest

    for number in range(repetitions * len(TUNERS)):
        repetition, place = divmod(number, len(TUNERS))
        tuner, seed = TUNERS[(repetition + place) % len(TUNERS)], derive(repetition, "contest")
        search = f"search {number + 1} of {repetitions * len(TUNERS)}: {tuner}"
        with waiting(f"{search}, about {SECONDS:.0f} s and {AGAIN} trainings each"):
            arguments = (tuner, seed, SECONDS, [IN_A_CONTEST, changes], AGAIN)
            answer = measure_once(folder / f"{tuner}-{repetition}.json", contest, *arguments)
        yield {"table": "contest", "tuner": tuner, "repetition": repetition, **answer}


def contest_table(rows: Rows) -> str:
    """Return the Markdown table of the contest."""
    scores = {
        "score": "best score",
        "stated": "as the tuner reports it",
        "searched": "best score without the defaults",
    }
    lines = []
    for tuner in TUNERS:
        own = [row for row in rows if row["tuner"] == tuner]
        name = "`fashion_zoo`: TPE and ASHA" if tuner == TUNERS[0] else f"`keras_tuner.{tuner}`"
        trials = f"{statistics.median(row['trials'] for row in own):g}"
        medians = [_median([row.get(part) for row in own]) for part in scores]
        lines.append([name, trials, *medians, columns.percent([row["again"] for row in own])])
    heads = ["tuner", "trials", *scores.values(), "best trial, trained again"]
    return pages.table(heads, lines, right=["trials"])


def _median(fractions: Sequence[float | None]) -> str:
    found = [100 * one for one in fractions if one is not None]
    if not found:
        return "no trial was completed"
    text = f"{statistics.median(found):.2f} % ({min(found):.2f} to {max(found):.2f})"
    return text if len(found) == len(fractions) else f"{text}, in {len(found)} of {len(fractions)}"


def measure_cost(
    folder: Path, changes: Mapping[str, Any], progress: Progress = "auto"
) -> Iterator[Row]:
    """Measure the time that a study takes, and the memory of many trials in a process.

    A search whose measurement was interrupted begins again, so that the whole of it is timed.
    """
    from recipes.benchmark import searching

    spent = measure_once(folder / "overhead.json", searching.overhead, ARITHMETIC, REPORTS)
    held = measure_once(folder / "memory.json", searching.memory, TINY, EARLY)
    with waiting(f"a search of {TRIALS} trials, about 20 minutes", progress):
        whole = measure_once(folder / "whole.json", searching.whole, TRIALS, changes)
    for what, value, unit in (
        (f"oracle and study per trial, mean of {ARITHMETIC}", spent["mean"], "ms"),
        (f"oracle and study per trial, mean of the last {ARITHMETIC // 5}", spent["last"], "ms"),
        (f"resident memory after trial {EARLY}", held["early"], "MiB"),
        (f"resident memory after trial {TINY}", held["late"], "MiB"),
        ("growth", 100 * (held["late"] / held["early"] - 1), "%"),
        (f"a search of `bn_mlp`, {TRIALS} trials", whole["seconds"], "s"),
        ("of it in oracle and study", whole["overhead"], "s"),
    ):
        yield {"table": "cost", "what": what, "value": value, "unit": unit}


COSTS = pivot(
    {"what": operator.itemgetter("what")},
    {"value": (None, lambda row: f"{row['value']:,.1f} {row['unit']}")},
)
PROGRAM = Program(
    page="docs/search.md",
    tables={"contest": contest_table, "cost": COSTS},
    note=lambda rows, machine: (
        f"{machine} `python -m recipes.benchmark search --seeds "
        f"{1 + max(row.get('repetition', 0) for row in rows)}` reproduces the table."
    ),
    measure=measure,
)
