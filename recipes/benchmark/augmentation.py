"""What each augmentation is worth to ``bn_mlp``: alone, and on top of the policy ``standard``."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import recipes.benchmark.text as text
from fashion_zoo import registry, storage
from fashion_zoo.augment.policies import OPERATIONS, parse
from fashion_zoo.config.overrides import override
from fashion_zoo.show.progress import TrainingDisplay
from recipes.benchmark.measured import measure_seeds

SCHEDULE = {"training": {"epochs": 10, "batch_size": 512}}
_WRITTEN = {"either": "either(mixup, cutmix)"}  # the others have defaults for everything


@dataclasses.dataclass(frozen=True)
class Trial:
    """A row: a policy, over several seeds. Accuracies are fractions."""

    operation: str
    """What is measured: an operation, or empty for the two policies it is measured against."""
    policy: str
    """The whole policy."""
    validation: tuple[float, ...]
    """Validation accuracy of each seed."""
    test: tuple[float, ...]
    """Test accuracy of each seed."""


def trials() -> list[tuple[str, str]]:
    """Return (operation, policy) of each row: none, each alone, standard, each on top of it."""
    inside = {operation.name for operation in parse("standard")}
    written = {name: _WRITTEN.get(name, name) for name in OPERATIONS}
    alone = [(one, one) for one in written.values()]
    on_top = [(one, f"standard | {one}") for name, one in written.items() if name not in inside]
    return [("", "none"), *alone, ("", "standard"), *on_top]


def measure_augmentation(
    seeds: int, folder: Path, display: TrainingDisplay, changes: Mapping[str, Any]
) -> list[Trial]:
    """Train every row with seeds 0, 1, ...; finished runs are not run again.

    Args:
        seeds: trainings a row.
        folder: where the runs are kept.
        display: shows the progress.
        changes: overrides of every config, for a quick look.
    """
    entry = registry.recipe("bn_mlp")
    rows = []
    display.expect(len(trials()) * seeds)
    for operation, policy in trials():
        own = {"training": {"augmentation": policy}}
        config = override(override(override(entry.config, SCHEDULE), changes), own)
        place = folder / "".join(letter if letter.isalnum() else "_" for letter in policy)
        done = measure_seeds(entry, config, seeds, place, display, policy)
        rows.append(
            Trial(
                operation,
                policy,
                tuple(one.validation for one in done),
                tuple(one.test for one in done),
            )
        )
    return rows


def augmentation_table(rows: Sequence[Trial]) -> str:
    """Return the Markdown table, with the lines that say what it means."""
    bases = {row.policy: row for row in rows if not row.operation}
    found = {row.policy: row for row in rows}
    lines = [
        "| policy | validation accuracy | alone, against none | on top of standard, against it |",
        "| --- | --- | --- | --- |",
    ]
    for base in bases.values():
        lines.append(f"| `{base.policy}` | {text.percent(base.validation)} | | |")
    for row in rows:
        if row.operation != row.policy:
            continue
        top = found.get(f"standard | {row.operation}")
        cells = [
            f"`{row.operation}`",
            text.percent(row.validation),
            _points(row, bases["none"]),
            _points(top, bases["standard"]) if top else "part of it",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    seeds, training = len(rows[0].test), SCHEDULE["training"]
    lines += [
        "",
        f"`bn_mlp`, {training['epochs']} epochs, batches of {training['batch_size']}. Mean over "
        f"{seeds} seeds with {text.METHOD}; differences are points of validation accuracy, "
        "paired by seed. The test accuracies are in the CSV file beside this page and chose "
        f"nothing. {text.measured_on()} `python -m recipes.benchmark augmentation --seeds {seeds}` "
        "reproduces the table.",
    ]
    return "\n".join(lines)


def _points(row: Trial, base: Trial) -> str:
    return text.points(text.paired(row.validation, base.validation))


def write_augmentation(rows: Sequence[Trial], path: Path) -> None:
    """Write one row a policy and seed, so that every figure of the table can be computed again."""
    storage.write_table(
        path,
        [
            {
                "operation": row.operation,
                "policy": row.policy,
                "seed": seed,
                "validation_accuracy": row.validation[seed],
                "test_accuracy": row.test[seed],
            }
            for row in rows
            for seed in range(len(row.test))
        ],
    )
