"""The changes of the exercise on batch normalization: another kind, batches, depth, kernels."""

import functools
from collections.abc import Mapping
from typing import Any

from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Contrast, Quick, columns
from recipes.experiments import _changes
from recipes.experiments._units import POWERS
from recipes.experiments.batch_norm import ARMS, RATES, TRIAL_EPOCHS, tolerated

PAIR = ("none", "before")
SMALL = {**_changes.FEW, "training": {"batch_size": 8}}
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "": {},
    ", batches of 8": SMALL,
    ", six layers": {"model": {"hidden_units": (128,) * 6}},
    ", glorot_normal": {"model": {"kernel_initializer": "glorot_normal"}},
}
"""What follows the name of an arm, and the changes of its config."""


def _arm(name: str, changed: str) -> Arm:
    changes = CHANGED[changed]
    return Arm(
        name + changed,
        "baseline_mlp",
        {**changes, "model": {**changes.get("model", {}), **ARMS[name]}},
    )


def _rates(name: str, model: Mapping[str, Any], **settings: Any) -> Arm:
    return Arm(f"{name}, larger rates", program=functools.partial(tolerated, model, **settings))


def arms(**settings: Any) -> list[Arm]:
    """Return the arms, with other arguments of ``tolerated``."""
    return [
        *(_arm(name, changed) for changed in CHANGED for name in PAIR),
        _rates("none", {}, **settings),
        _rates("layer", {"normalization": "layer"}, **settings),
    ]


EXPERIMENT = _changes.changes(
    "batch_norm",
    "batch normalization",
    "docs/exercises/batch-normalization.md",
    arms(),
    [
        Claim(
            "layer, larger rates",
            "none, larger rates",
            "log10_of_the_largest_rate",
            **POWERS,
            text="Layer normalization tolerates larger learning rates than none.",
        ),
        Claim(
            "before, batches of 8",
            "none, batches of 8",
            direction="lower",
            text="In batches of 8 batch normalization loses.",
        ),
        Contrast(
            "six layers on what batch normalization gains",
            weights=_changes.beyond(("before, six layers", "none, six layers"), ("before", "none")),
            direction="same",
            least=0.003,
            text="What batch normalization gains changes by less than 0.3 points with six layers.",
        ),
        Contrast(
            "these kernels on what batch normalization gains",
            weights=_changes.beyond(
                ("before, glorot_normal", "none, glorot_normal"), ("before", "none")
            ),
            text="Without batch normalization more is lost by kernels of `glorot_normal`.",
        ),
    ],
    f"`baseline_mlp`, without normalization or with batch normalization before the activation, on "
    f"{_changes.IMAGES:,} images for {_changes.EPOCHS} epochs; batches of 8 on "
    f"{_changes.FEWER:,} images. Larger rates: {len(RATES)} are tried for {TRIAL_EPOCHS} epochs, "
    "as in the exercise",
    columns.where_measured(
        columns.value("largest rate that it tolerates", "largest_rate", ".3f", POSITIVE),
        "largest_rate",
    ),
    quick=Quick(arms=arms(rates=(1e-3, 1e-1), epochs=1)),
)
