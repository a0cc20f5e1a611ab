"""Training speed: against stock Keras and PyTorch, and where the rest of the time goes."""

import importlib.util
import operator
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fashion_zoo import registry
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.data.batches import steps_per_epoch
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.experiments.experiment import Row
from recipes.benchmark.program import Program, Rows, pivot
from recipes.benchmark.turns import Entry, take_turns

SETTINGS: dict[str, Mapping[str, Any]] = {
    "batch 128, float32": {"training": {"batch_size": 128}, "precision": "float32"},
    "batch 512, bfloat16": {"training": {"batch_size": 512}, "precision": "mixed_bfloat16"},
}
AUGMENTED = "batch 512, bfloat16"  # where the policy standard takes part
# What is left out, by overrides or by the contender.
PARTS: dict[str, tuple[Mapping[str, Any], str]] = {
    "batch normalization": ({"model": {"normalization": "none"}}, "nothing"),
    "dropout": ({"model": {"dropout": 0.0}}, "nothing"),
    "accuracy metric": ({}, "metric"),
    "iterator": ({}, "iterator"),
}


def measure(rounds: int = 5, **changes: Any) -> Iterator[Row]:
    """Measure training, its parts and augmentation.

    Args:
        rounds: epochs that count, after one that warms up.
        **changes: overrides of every config, for a quick look.
    """
    need_tensorflow()
    from recipes.benchmark.augmenting import measure_augmenting

    yield from measure_training(rounds, changes)
    yield from measure_shares(rounds, changes)
    yield from measure_augmenting(rounds, changes)


def figure(
    table: str, setting: str, name: str, measure: str, values: Sequence[float], unit: str
) -> Row:
    """Return the row of one figure a round: their median, the lowest and the highest."""
    return {
        "table": table,
        "setting": setting,
        "name": name,
        "measure": measure,
        "median": statistics.median(values),
        "low": min(values),
        "high": max(values),
        "unit": unit,
        "rounds": len(values),
    }


def contenders() -> list[str]:
    """Return who can take part here: torch where it is installed."""
    return ["fashion_zoo", "keras", *(["torch"] if importlib.util.find_spec("torch") else [])]


def measure_training(rounds: int, changes: Mapping[str, Any]) -> Iterator[Row]:
    """Train the contenders of each setting in turns."""
    for setting, own in SETTINGS.items():
        both = merged(own, changes)
        entries = {name: Entry(name, both) for name in contenders()}
        if setting == AUGMENTED:
            augmented = merged(both, {"training": {"augmentation": "standard"}})
            entries["fashion_zoo, standard"] = Entry("fashion_zoo", augmented)
        done, images = take_turns(entries, rounds), _images(both)
        for name, epochs in done.items():
            pairs = zip(epochs, done["fashion_zoo"], strict=True)
            for measure, values, unit in (
                ("throughput", [images / epoch.seconds for epoch in epochs], "images/s"),
                ("time against fashion_zoo", [a.seconds / b.seconds for a, b in pairs], "ratio"),
                ("training loss, last epoch", [epochs[-1].loss], "nats"),
                ("peak memory", [epochs[-1].megabytes], "MB"),
            ):
                yield figure("training", setting, name, measure, values, unit)


def measure_shares(rounds: int, changes: Mapping[str, Any]) -> Iterator[Row]:
    """Train without a part at a time, in turns with the whole."""
    for setting, own in SETTINGS.items():
        both = merged(own, changes)
        entries = {"whole": Entry("fashion_zoo", both, "nothing")}
        for part, (less, without) in PARTS.items():
            entries[part] = Entry("fashion_zoo", merged(both, less), without)
        done = take_turns(entries, rounds)
        steps = _images(both) // both["training"]["batch_size"]
        for name, epochs in done.items():
            step = [1000 * epoch.seconds / steps for epoch in epochs]
            yield figure("shares", setting, name, "step", step, "ms")
            if name != "whole":
                pairs = zip(epochs, done["whole"], strict=True)
                saved = [100 * (1 - part.seconds / whole.seconds) for part, whole in pairs]
                yield figure("shares", setting, name, "share", saved, "%")


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return overrides with others on top, section by section."""
    both = dict(first)
    for name, value in second.items():
        both[name] = {**both.get(name, {}), **value} if isinstance(value, Mapping) else value
    return both


def _images(changes: Mapping[str, Any]) -> int:
    """Return the images of an epoch."""
    config = override(registry.recipe("bn_mlp").config, changes)
    batch = config.training.batch_size
    return steps_per_epoch(len(load(config.data).train.labels), batch) * batch


def median(form: str, unit: str = "") -> Callable[[Row], str]:
    """Return what writes the median of a row."""
    return lambda row: f"{row['median']:{form}}{unit}"


def spread(form: str, unit: str = "") -> Callable[[Row], str]:
    """Return what writes the median of a row, with the lowest and the highest."""
    return lambda row: f"{median(form, unit)(row)} ({row['low']:{form}} to {row['high']:{form}})"


SETTING = {"setting": operator.itemgetter("setting")}
TRAINING = pivot(
    {**SETTING, "training": operator.itemgetter("name")},
    {
        "images a second": ("throughput", spread(",.0f")),
        "time against `fashion_zoo`": ("time against fashion_zoo", spread(".2f")),
        "loss of the last epoch": ("training loss, last epoch", median(".3f")),
        "peak memory": ("peak memory", median(",.0f", " MB")),
    },
)
SHARES = pivot(
    {**SETTING, "without": lambda row: row["name"].replace("whole", "nothing")},
    {
        "a step": ("step", median(".2f", " ms")),
        "share of the whole": ("share", spread(".0f", " %")),
    },
)
AUGMENTATION = pivot(
    {"policy": lambda row: f"`{row['name']}`"},
    {
        "`fashion_zoo`, images a second": ("fashion_zoo", median(",.0f")),
        "stock Keras layers": ("keras", median(",.0f")),
        "times as long": ("keras against it", spread(".1f")),
    },
)


def note(rows: Rows, machine: str) -> str:
    """Return what stands below each table."""
    rounds = max(row["rounds"] for row in rows)
    return (
        f"Median of {rounds} rounds, with the lowest and the highest. {machine} "
        f"`python -m recipes.benchmark speed --rounds {rounds}` reproduces the table."
    )


PROGRAM = Program(
    page="docs/speed.md",
    tables={"training": TRAINING, "shares": SHARES, "augmentation": AUGMENTATION},
    note=note,
    measure=measure,
    takes=("rounds", "page"),
)
