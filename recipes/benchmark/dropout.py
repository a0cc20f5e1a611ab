"""The dropout ablation: what moves the rate, against the best rate that stands still."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import recipes.benchmark.text as text
from fashion_zoo import registry, storage
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Images, load, reshape
from fashion_zoo.runs import Run
from fashion_zoo.show.progress import TrainingDisplay
from recipes.benchmark.measured import measure_seeds

CONSTANT_RATES = (0.0, 0.1, 0.2, 0.3, 0.4)
_FALLING = {"schedules": {"dropout": "linear"}}
_RISING = {"schedules": {"dropout": "linear(0, 1)"}}
# Name to recipe and overrides. Falling and rising have the mean of the constant 0.2.
MOVING: dict[str, tuple[str, Mapping[str, Any]]] = {
    "falling 0.4 to 0": ("bn_mlp", {"model": {"dropout": 0.4}, "training": _FALLING}),
    "rising 0 to 0.4": ("bn_mlp", {"model": {"dropout": 0.4}, "training": _RISING}),
    "adaptive_dropout_mlp": ("adaptive_dropout_mlp", {}),
    "AdaptiveDropout from 0.2": (
        "bn_mlp",
        {"training": {"adaptive_dropout": {"enabled": True}}},
    ),
}


@dataclasses.dataclass(frozen=True)
class Arm:
    """A row: one way to choose the dropout rates, over several seeds. Accuracies are fractions."""

    dropout: str
    moves: bool
    """Whether the rate moves."""
    validation: tuple[float, ...]
    """Validation accuracy of each seed."""
    test: tuple[float, ...]
    """Test accuracy of each seed."""
    gap: tuple[float, ...]
    """Validation loss minus training loss of each seed, both of the final weights, no dropout."""


def measure_dropout(
    seeds: int, folder: Path, display: TrainingDisplay, changes: Mapping[str, Any]
) -> list[Arm]:
    """Train every arm with seeds 0, 1, ...; finished runs are not run again.

    Args:
        seeds: trainings an arm.
        folder: where the runs are kept.
        display: shows the progress.
        changes: overrides of every config, for a quick look.
    """
    arms = [
        (f"constant {rate:g}", "bn_mlp", {"model": {"dropout": rate}}) for rate in CONSTANT_RATES
    ] + [(name, recipe, overrides) for name, (recipe, overrides) in MOVING.items()]
    rows = []
    display.expect(len(arms) * seeds)
    for name, recipe, overrides in arms:
        entry = registry.recipe(recipe)
        config = override(override(entry.config, changes), overrides)
        place = folder / name.replace(" ", "_")
        done = measure_seeds(entry, config, seeds, place, display, name)
        rows.append(
            Arm(
                name,
                name in MOVING,
                tuple(one.validation for one in done),
                tuple(one.test for one in done),
                tuple(_gap(one.run) for one in done),
            )
        )
    return rows


def _gap(run: Run) -> float:
    """Return validation loss minus training loss of the saved model, and keep both in the run."""
    file = run.path / "gap.json"
    if not file.is_file():
        dataset, model = load(run.config.data), run.load_model()
        losses = {
            "training_loss": _loss(model, dataset.train),
            "validation_loss": _loss(model, dataset.validation),
        }
        storage.write_json(file, losses)
    stored = run.read_json(file.name)
    return stored["validation_loss"] - stored["training_loss"]


def _loss(model: keras.Model, data: Images) -> float:
    """Return the mean cross-entropy, without dropout."""
    from scipy.special import log_softmax

    images = reshape(data.images, model.input_shape[1:])
    logits = model.predict(images, batch_size=1000, verbose=0).astype("float64")
    return float(-log_softmax(logits, axis=1)[np.arange(len(logits)), data.labels].mean())


def best_constant(arms: Sequence[Arm]) -> Arm:
    """Return the constant rate with the best mean validation accuracy; the test set has no say."""
    return max((arm for arm in arms if not arm.moves), key=lambda arm: sum(arm.validation))


def dropout_table(arms: Sequence[Arm]) -> str:
    """Return the Markdown table, with the lines that say what it means."""
    best, seeds = best_constant(arms), len(arms[0].test)
    lines = [
        "| dropout | validation accuracy | test accuracy | gap | test accuracy against the best "
        "constant rate | gap against it |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for arm in arms:
        points = text.points(text.paired(arm.test, best.test))
        gap = text.paired(arm.gap, best.gap)
        against = ("it is the best", "")
        if arm is not best:
            against = (f"{points} points", text.mean(gap, "+.3f"))
        cells = [
            f"`{arm.dropout}`" if arm.dropout in registry.list_recipes() else arm.dropout,
            text.percent(arm.validation),
            text.percent(arm.test),
            text.mean(arm.gap),
            *against,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"Mean over {seeds} seeds with {text.METHOD}. The gap is validation loss minus "
        "training loss of the final weights, both without dropout. Differences are paired by seed. "
        "The best constant rate is the one with the highest mean validation accuracy. "
        f"{text.measured_on()} "
        f"`python -m recipes.benchmark dropout --seeds {seeds}` reproduces the table.",
    ]
    return "\n".join(lines)


def write_dropout(arms: Sequence[Arm], path: Path) -> None:
    """Write one row an arm and seed, so that every figure of the table can be computed again."""
    storage.write_table(
        path,
        [
            {
                "dropout": arm.dropout,
                "seed": seed,
                "validation_accuracy": arm.validation[seed],
                "test_accuracy": arm.test[seed],
                "gap": arm.gap[seed],
            }
            for arm in arms
            for seed in range(len(arm.test))
        ],
    )
