"""Training speed: against stock Keras and PyTorch, and where the rest of the time goes."""

import importlib.util
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fashion_zoo import registry
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.data.batches import steps_per_epoch
from recipes.benchmark.speed.turns import Entry, Epoch, take_turns

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


class Row(NamedTuple):
    """A measured figure: the median over the rounds, the lowest and the highest."""

    table: str
    setting: str
    name: str
    measure: str
    median: float
    low: float
    high: float
    unit: str


def summarized(
    table: str, setting: str, name: str, measure: str, values: Sequence[float], unit: str
) -> Row:
    """Return the row of one figure a round."""
    return Row(
        table, setting, name, measure, statistics.median(values), min(values), max(values), unit
    )


def contenders() -> list[str]:
    """Return who can take part here: torch where it is installed."""
    return ["fashion_zoo", "keras", *(["torch"] if importlib.util.find_spec("torch") else [])]


def measure_training(rounds: int, changes: Mapping[str, Any]) -> list[Row]:
    """Train the contenders of each setting in turns.

    Args:
        rounds: epochs that count, after one that warms up.
        changes: overrides of every config, for a quick look.
    """
    rows = []
    for setting, own in SETTINGS.items():
        both = _merged(own, changes)
        entries = {name: Entry(name, both) for name in contenders()}
        if setting == AUGMENTED:
            augmented = _merged(both, {"training": {"augmentation": "standard"}})
            entries["fashion_zoo, standard"] = Entry("fashion_zoo", augmented)
        done = take_turns(entries, rounds)
        images = _images(both)
        for name, epochs in done.items():
            rows += _rows(setting, name, epochs, images, done["fashion_zoo"])
    return rows


def _rows(
    setting: str, name: str, epochs: Sequence[Epoch], images: int, base: Sequence[Epoch]
) -> list[Row]:
    throughput = [images / epoch.seconds for epoch in epochs]
    times = [epoch.seconds / one.seconds for epoch, one in zip(epochs, base, strict=True)]
    last = epochs[-1]
    return [
        summarized("training", setting, name, "throughput", throughput, "images/s"),
        summarized("training", setting, name, "time against fashion_zoo", times, "ratio"),
        summarized("training", setting, name, "training loss, last epoch", [last.loss], "nats"),
        summarized("training", setting, name, "peak memory", [last.megabytes], "MB"),
    ]


def measure_shares(rounds: int, changes: Mapping[str, Any]) -> list[Row]:
    """Train without a part at a time, in turns with the whole; see ``measure_training``."""
    rows = []
    for setting, own in SETTINGS.items():
        both = _merged(own, changes)
        entries = {"whole": Entry("fashion_zoo", both, "nothing")}
        for part, (less, without) in PARTS.items():
            entries[part] = Entry("fashion_zoo", _merged(both, less), without)
        done = take_turns(entries, rounds)
        steps = _images(both) // both["training"]["batch_size"]
        for name, epochs in done.items():
            step = [1000 * epoch.seconds / steps for epoch in epochs]
            rows.append(summarized("shares", setting, name, "step", step, "ms"))
            if name != "whole":
                saved = [
                    100 * (1 - epoch.seconds / whole.seconds)
                    for epoch, whole in zip(epochs, done["whole"], strict=True)
                ]
                rows.append(summarized("shares", setting, name, "share", saved, "%"))
    return rows


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return overrides with others on top, section by section."""
    merged = dict(first)
    for name, value in second.items():
        merged[name] = {**merged.get(name, {}), **value} if isinstance(value, Mapping) else value
    return merged


def _images(changes: Mapping[str, Any]) -> int:
    """Return the images of an epoch."""
    config = override(registry.recipe("bn_mlp").config, changes)
    batch = config.training.batch_size
    return steps_per_epoch(len(load(config.data).train.labels), batch) * batch


def training_table(rows: Sequence[Row]) -> str:
    """Return the Markdown table of who trains how fast."""
    lines = [
        "| setting | training | images a second | time against `fashion_zoo` | loss of the last "
        "epoch | peak memory |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    found = {(row.setting, row.name, row.measure): row for row in rows}
    for setting, name in dict.fromkeys((row.setting, row.name) for row in rows):
        speed, times, loss, peak = (
            found[setting, name, measure]
            for measure in (
                "throughput", "time against fashion_zoo", "training loss, last epoch",
                "peak memory",
            )
        )  # fmt: skip
        lines.append(
            f"| {setting} | {name} | {speed.median:,.0f} ({speed.low:,.0f} to {speed.high:,.0f}) | "
            f"{times.median:.2f} ({times.low:.2f} to {times.high:.2f}) | {loss.median:.3f} | "
            f"{peak.median:,.0f} MB |"
        )
    return "\n".join(lines)


def shares_table(rows: Sequence[Row]) -> str:
    """Return the Markdown table of where the time goes."""
    lines = [
        "| setting | without | a step | share of the whole |",
        "| --- | --- | ---: | ---: |",
    ]
    shares = {(row.setting, row.name): row for row in rows if row.measure == "share"}
    for row in rows:
        if row.measure != "step":
            continue
        share = shares.get((row.setting, row.name))
        saved = f"{share.median:.0f} % ({share.low:.0f} to {share.high:.0f})" if share else ""
        without = "nothing" if row.name == "whole" else row.name
        lines.append(f"| {row.setting} | {without} | {row.median:.2f} ms | {saved} |")
    return "\n".join(lines)
