"""Averages of weights beside the weights of the last epoch, of ``bn_mlp`` and ``bn_mlp.large``."""

from typing import Any

from fashion_zoo import experiments
from fashion_zoo.experiments import Arm, Experiment, columns
from fashion_zoo.runs import Run

RECIPES = ("bn_mlp", "bn_mlp.large")
WORDS = ("none", "ema(0.999)", "swa(0.75)", "best(5)")


def weights(run: Run) -> dict[str, Any]:
    """Return the accuracy of raw and averaged weights, and whether the averaged ones were kept."""
    training = run.read_json("training.json")
    reached = training["validation_accuracy"]
    found = training.get("averaging") or {"kept": "raw", "raw": reached, "averaged": reached}
    return {
        "averages_kept": float(found["kept"] == "averaged"),
        "raw_validation_accuracy": found["raw"],
        "averaged_validation_accuracy": found["averaged"],
    }


def _name(recipe: str, word: str) -> str:
    return recipe if word == "none" else f"{recipe}, {word}"


PLAIN = {_name(recipe, word): recipe for recipe in RECIPES for word in WORDS if word != "none"}
"""Arm to that of the same recipe without an average."""
EXPERIMENT = Experiment(
    name="averaging",
    question="Are averaged weights better than the last ones?",
    arms=[
        Arm(_name(recipe, word), recipe, {"training": {"averaging": word}})
        for recipe in RECIPES
        for word in WORDS
    ],
    metrics=(*experiments.METRICS, weights),
    columns=[
        columns.name("training", code=lambda arm: arm in RECIPES),
        columns.accuracy("averaged weights, validation", "averaged_validation_accuracy"),
        columns.against("against none", "averaged_validation_accuracy", PLAIN),
        columns.number("averages kept", "averages_kept", ".0%"),
        columns.accuracy("kept weights, test", "test_accuracy"),
        columns.against("test against none", "test_accuracy", PLAIN),
    ],
    note="Mean over {seeds} with {interval}; it is the interval for these images. Differences are "
    "points of accuracy, paired by seed: the weights of a training are the same with and without "
    "an average. Validation chose between raw and averaged weights in each training. {machine} "
    "`{command}` reproduces the table.",
    seeds=5,
    page="docs/averaging.md",
)
