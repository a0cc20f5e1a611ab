"""The changes of the exercise on regularizers: a larger rate, a fourth factor, images, decay."""

from typing import Any

from fashion_zoo.experiments import Arm, Claim, Contrast, columns
from recipes.experiments import _changes
from recipes.experiments._units import NATS
from recipes.experiments.regularizers import FACTORS

RATE, SMOOTHING, DECAY = 0.03, 0.1, 1.0
BATCH_NORM = {"normalization": FACTORS["batch norm"][2]}
DROPOUT = {"dropout": FACTORS["dropout"][2]}


def _arm(name: str, model: Any = None, training: Any = None, **changes: Any) -> Arm:
    own = {"optimizer": "adamw", **(training or {})}
    return Arm(name, "baseline_mlp", {"model": model or {}, "training": own, **changes})


EXPERIMENT = _changes.changes(
    "regularizers",
    "regularizers",
    "docs/exercises/regularization.md",
    [
        _arm("none of them"),
        _arm("batch norm", BATCH_NORM),
        _arm("none of them, larger rate", training={"learning_rate": RATE}),
        _arm("batch norm, larger rate", BATCH_NORM, {"learning_rate": RATE}),
        _arm("dropout", DROPOUT),
        _arm("smoothing", training={"label_smoothing": SMOOTHING}),
        _arm("dropout + smoothing", DROPOUT, {"label_smoothing": SMOOTHING}),
        _arm("none of them, fewer images", **_changes.FEW),
        _arm("dropout, fewer images", DROPOUT, **_changes.FEW),
        _arm("strong decay", training={"weight_decay": DECAY}),
    ],
    [
        Contrast(
            "the larger rate on what batch norm gains",
            weights=_changes.beyond(
                ("batch norm, larger rate", "none of them, larger rate"),
                ("batch norm", "none of them"),
            ),
            text="Batch normalization gains more at the larger rate.",
        ),
        Contrast(
            "dropout x smoothing",
            direction="lower",
            weights={
                "dropout + smoothing": 0.5,
                "dropout": -0.5,
                "smoothing": -0.5,
                "none of them": 0.5,
            },
            text="Label smoothing does partly the same work as dropout.",
        ),
        Contrast(
            "fewer images on what dropout does",
            metric="gap",
            direction="lower",
            **NATS,
            weights=_changes.beyond(
                ("dropout, fewer images", "none of them, fewer images"), ("dropout", "none of them")
            ),
            text=f"With {_changes.FEWER:,} images dropout makes the gap smaller by more.",
        ),
        Claim(
            "strong decay",
            "none of them",
            "gap",
            "lower",
            **NATS,
            text="A strong decay makes the gap smaller.",
        ),
        Claim(
            "strong decay",
            "none of them",
            direction="lower",
            text="A strong decay costs accuracy.",
        ),
    ],
    f"`baseline_mlp` with AdamW, on {_changes.IMAGES:,} images for {_changes.EPOCHS} epochs; fewer "
    f"images are {_changes.FEWER:,}, the larger rate is {RATE:g}, label smoothing {SMOOTHING:g}, "
    f"the strong decay {DECAY:g}, dropout as in the exercise. The gap is validation loss minus "
    "training loss, both without dropout",
    columns.value("gap", "gap", "+.3f"),
    metrics=_changes.with_gap(),
)
