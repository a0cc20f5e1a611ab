"""The changes of the exercise on regularizers: a larger rate, a fourth factor, images, decay."""

from typing import Any

from fashion_zoo.experiments import Arm, Claim, Contrast, Quick
from recipes.experiments import _changes
from recipes.experiments._units import NATS
from recipes.experiments.regularizers import FACTORS, NOTHING

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
        _arm(NOTHING),
        _arm("batch norm", BATCH_NORM),
        _arm(f"{NOTHING}, larger rate", training={"learning_rate": RATE}),
        _arm("batch norm, larger rate", BATCH_NORM, {"learning_rate": RATE}),
        _arm("dropout", DROPOUT),
        _arm("smoothing", training={"label_smoothing": SMOOTHING}),
        _arm("dropout + smoothing", DROPOUT, {"label_smoothing": SMOOTHING}),
        _arm(f"{NOTHING}, fewer images", **_changes.FEW),
        _arm("dropout, fewer images", DROPOUT, **_changes.FEW),
        _arm("strong decay", training={"weight_decay": DECAY}),
    ],
    [
        Contrast(
            "batch normalization at the larger rate, minus that at the recipe's,",
            weights=_changes.beyond(
                ("batch norm, larger rate", f"{NOTHING}, larger rate"), ("batch norm", NOTHING)
            ),
            text="Batch normalization gains more at the larger rate.",
        ),
        Contrast(
            "dropout with label smoothing, minus that without it,",
            direction="lower",
            weights=_changes.beyond(("dropout + smoothing", "smoothing"), ("dropout", NOTHING)),
            text="Label smoothing does partly the same work as dropout.",
        ),
        Contrast(
            "dropout with fewer images, minus that with all of them,",
            metric="gap",
            direction="lower",
            **NATS,
            weights=_changes.beyond(
                ("dropout, fewer images", f"{NOTHING}, fewer images"), ("dropout", NOTHING)
            ),
            text="With fewer images dropout makes the gap smaller by more.",
        ),
        Claim(
            "strong decay", NOTHING, "gap", "lower", **NATS,
            text="A strong decay makes the gap smaller.",
        ),
        Claim(
            "strong decay", NOTHING, direction="lower",
            text="A strong decay leaves a lower test accuracy.",
        ),
    ],
    f"`baseline_mlp` with AdamW, {_changes.COUNTS}. The larger rate is {RATE:g}, label smoothing "
    f"{SMOOTHING:g}, the strong decay {DECAY:g}; dropout is that of the exercise. An interaction, "
    "as the exercise has it, is half of what smoothing changes",
    quick=Quick({"training": {"epochs": 1}}),
    **_changes.OVERFITTING,
)  # fmt: skip
