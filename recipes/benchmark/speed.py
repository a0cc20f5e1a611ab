"""Training speed: against stock Keras and PyTorch, and where the rest of the time goes."""

import contextlib
import functools
import importlib.util
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.config.overrides import override
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.experiments.stored import keep
from fashion_zoo.language.wording import counted
from fashion_zoo.machine import precision
from fashion_zoo.registry import recipe
from fashion_zoo.show.streams import say
from fashion_zoo.storage import absolute
from recipes._processes import worker
from recipes.benchmark.program import Program, Rows, pivot
from recipes.benchmark.slices import NEAR, TRIES, Slice, interleave, quartiles, ratios

LARGE = 512  # the batch that is also trained with the policy standard
# Name of a training to the arguments of ``contenders.main``.
Entries = dict[str, tuple[str, Sequence[Mapping[str, Any]], str]]
# Part to the overrides, or the word for the contender, by which it is left out.
PARTS: dict[str, tuple[Mapping[str, Any], str]] = {
    "batch normalization": ({"model": {"normalization": "none"}}, "nothing"),
    "dropout": ({"model": {"dropout": 0.0}}, "nothing"),
    "accuracy metric": ({}, "metric"),
    "iterator": ({}, "iterator"),
}


def measure(rounds: int = 60, folder: str | Path = "runs/speed", **changes: Any) -> Iterator[Row]:
    """Measure training, its parts and augmentation, in so many slices of each contender.

    The rows of each comparison are kept in ``folder`` and not measured again. ``changes`` are
    overrides of every config, for a quick look.
    """
    need_tensorflow()
    from recipes.benchmark.contenders import augmentation_rows, policies

    comparisons: list[tuple[str, str, Callable[..., Iterator[Row]]]] = [
        *(("training", name, training_rows) for name in settings()),
        *(("shares", name, share_rows) for name in settings()),
        *(("augmentation", name, augmentation_rows) for name in policies()),
    ]
    for number, (table, name, rows_of) in enumerate(comparisons, 1):
        say(f"{number} of {len(comparisons)}: {table}, {name}")
        key = {"table": table, "name": name, "rounds": rounds, "changes": changes}
        file = absolute(folder) / f"{table}-{re.sub('[^a-z0-9]+', '_', name)}.json"
        rows = rows_of(name, rounds, changes)  # which measures nothing before it is iterated
        yield from keep(file, key, functools.partial(list, rows))


def settings() -> dict[str, Mapping[str, Any]]:
    """Return the overrides of each setting; large batches in what ``auto`` chooses here.

    Without native bfloat16, PyTorch's products of it take ten times as long as those of float32.
    """
    pairs = ((128, "float32"), (LARGE, precision.choose("auto").policy))
    return {
        f"batch {size}, {policy}": {"training": {"batch_size": size}, "precision": policy}
        for size, policy in pairs
    }


def frameworks() -> list[str]:
    """Return what is compared: torch only where it is installed."""
    return ["fashion_zoo", "keras", *(["torch"] if importlib.util.find_spec("torch") else [])]


def training_rows(setting: str, rounds: int, changes: Mapping[str, Any]) -> Iterator[Row]:
    """Train the contenders of a setting."""
    both = (settings()[setting], changes)
    batch = functools.reduce(override, both, recipe("bn_mlp").config).training.batch_size
    entries: Entries = {name: (name, both, "") for name in frameworks()}
    if batch == LARGE:
        augmented = {"training": {"augmentation": "standard"}}
        entries["fashion_zoo, standard"] = ("fashion_zoo", (*both, augmented), "")
    timed, answers = train(entries, rounds)
    last = min(len(answer["losses"]) for answer in answers.values()) - 1  # that all have finished
    for name, own in timed.items():
        row = functools.partial(figure, "training", setting, name)
        yield row("throughput", [batch / one.seconds for one in own], "images/s", own)
        yield row("time against fashion_zoo", ratios(own, timed["fashion_zoo"]), "ratio")
        yield row("training loss, last epoch", [answers[name]["losses"][last]], "nats")
        yield row("peak memory", [answers[name]["mebibytes"]], "MiB")


def share_rows(setting: str, rounds: int, changes: Mapping[str, Any]) -> Iterator[Row]:
    """Train without a part at a time, beside the whole."""
    both = (settings()[setting], changes)
    entries: Entries = {"whole": ("fashion_zoo", both, "nothing")}
    for part, (less, without) in PARTS.items():
        entries[part] = ("fashion_zoo", (*both, less), without)
    timed, _ = train(entries, rounds)
    for name, own in timed.items():
        row = functools.partial(figure, "shares", setting, name)
        yield row("step", [1000 * one.seconds for one in own], "ms", own)
        if name != "whole":
            yield row("share", [100 * (1 - one) for one in ratios(own, timed["whole"])], "%")


def train(
    entries: Entries, rounds: int
) -> tuple[dict[str, list[Slice]], dict[str, dict[str, Any]]]:
    """Train every entry in interleaved slices; return name to slices, and name to last answer."""
    from recipes.benchmark import contenders

    answers: dict[str, dict[str, Any]] = {}

    def slice_of(name: str, ask: Callable[[], dict[str, Any]]) -> float:
        answers[name] = ask()
        return answers[name]["seconds"]

    # So many epochs that they suffice, however many slices are repeated.
    enough = {"training": {"epochs": TRIES * rounds + 2}}
    with contextlib.ExitStack() as stack:
        trainings = {}
        for name, (contender, changes, without) in entries.items():
            work = functools.partial(contenders.main, contender, (*changes, enough), without)
            # torch cannot be loaded beside TensorFlow, which Keras loads for the others.
            backend = {"KERAS_BACKEND": "torch"} if contender == "torch" else {}
            ask = stack.enter_context(worker(f"training of {name}", work, **backend))
            trainings[name] = functools.partial(slice_of, name, ask)
            trainings[name]()  # one after the other: each warms up alone
        return interleave(trainings, rounds), answers


def figure(
    table: str,
    setting: str,
    name: str,
    measure: str,
    values: Sequence[float],
    unit: str,
    slices: Sequence[Slice] = (),
) -> Row:
    """Return the row of a figure: median and quartiles, and how many slices were repeated."""
    low, middle, high = quartiles(values)
    row: Row = {"table": table, "setting": setting, "name": name, "measure": measure}
    row |= {"median": middle, "low": low, "high": high, "unit": unit, "rounds": len(values)}
    if slices:
        row["repeated"] = sum(one.repeated for one in slices)
        row["stalled"] = sum(one.stalled for one in slices)
    return row


def median(form: str, unit: str = "") -> Callable[[Row], str]:
    """Return a function that formats the median of a row."""
    return lambda row: f"{row['median']:{form}}{unit}"


def spread(form: str, unit: str = "") -> Callable[[Row], str]:
    """Return a function that formats the median of a row, with its quartiles."""
    return lambda row: f"{median(form, unit)(row)} ({row['low']:{form}} to {row['high']:{form}})"


SETTING = {"setting": operator.itemgetter("setting")}
TRAINING = pivot(
    {**SETTING, "training": operator.itemgetter("name")},
    {
        "images per second": ("throughput", spread(",.0f")),
        "time against `fashion_zoo`": ("time against fashion_zoo", spread(".2f")),
        "loss of the last epoch": ("training loss, last epoch", median(".3f")),
        "peak memory": ("peak memory", median(",.0f", " MiB")),
    },
)
SHARES = pivot(
    {**SETTING, "without": lambda row: row["name"].replace("whole", "nothing")},
    {
        "time per step": ("step", median(".2f", " ms")),
        "share of the whole": ("share", spread(".0f", " %")),
    },
)
AUGMENTATION = pivot(
    {"policy": lambda row: f"`{row['name']}`"},
    {
        "`fashion_zoo`, images per second": ("fashion_zoo", median(",.0f")),
        "stock Keras layers": ("keras", median(",.0f")),
        "times as long": ("keras against it", spread(".1f")),
    },
)


def note(rows: Rows, machine: str) -> str:
    """Return the note below each table; older rows are of whole epochs, not of slices."""
    rounds, sliced = max(row["rounds"] for row in rows), [row for row in rows if "repeated" in row]
    if not sliced:
        return (
            f"Of whole epochs, and to be measured again in slices: median of {rounds}, with the "
            f"lowest and the highest. {machine} `python -m recipes.benchmark speed` measures it."
        )
    repeated, stalled = (sum(row[name] for row in sliced) for name in ("repeated", "stalled"))
    count = repeated + sum(row["rounds"] for row in sliced)
    uneven = ", ".join(f"{row['name']} ({row['setting']})" for row in rows if is_uneven(row))
    return (
        f"Median of {counted(rounds, 'slice')}, with the quartiles. Of all {count:,} slices, "
        f"{repeated:,} were repeated because the machine stalled, and {stalled:,} count although "
        f"it did. {f'Quartiles are over {NEAR:.0%} from the median for {uneven}. ' * bool(uneven)}"
        f"{machine} `python -m recipes.benchmark speed --rounds {rounds}` reproduces the table."
    )


def is_uneven(row: Row) -> bool:
    """Return whether a quartile of a row's ratios is too far from their median."""
    ends = [row[name] for name in ("median", "low", "high")]
    if row["unit"] == "%":  # a share is what a ratio lacks to 1
        ends = [1 - end / 100 for end in ends]
    elif row["unit"] != "ratio":
        return False
    return max(abs(end / ends[0] - 1) for end in ends) > NEAR


PROGRAM = Program(
    page="docs/speed.md",
    tables={"training": TRAINING, "shares": SHARES, "augmentation": AUGMENTATION},
    note=note,
    measure=measure,
    takes=("rounds", "folder", "page"),
)
