"""The changes of the exercise on batch normalization: another kind, batches, depth, kernels."""

import functools
from collections.abc import Mapping
from typing import Any

from fashion_zoo.experiments import Arm, Claim, Contrast, Quick, columns
from recipes.experiments import _changes
from recipes.experiments._units import POWERS
from recipes.experiments.batch_norm import ARMS, RATES, TOLERATED, TRIAL_EPOCHS, tolerated

PAIR = ("before", "none")
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "": {},
    ", small batches": {**_changes.FEW, "training": {"batch_size": 8}},
    ", six layers": {"model": {"hidden_units": (128,) * 6}},
    ", glorot_normal": {"model": {"kernel_initializer": "glorot_normal"}},
}
"""What follows the name of an arm, and the changes of its config."""


def _arm(name: str, changed: str) -> Arm:
    changes = CHANGED[changed]
    model = {**changes.get("model", {}), **ARMS[name]}
    return Arm(name + changed, "baseline_mlp", {**changes, "model": model})


def _rates(name: str, model: Mapping[str, Any], **settings: Any) -> Arm:
    return Arm(f"{name}, several rates", program=functools.partial(tolerated, model, **settings))


def _more(changed: str, words: str, **own: Any) -> Contrast:
    """Return a claim on what batch normalization gains with a change, less without it."""
    pair = (PAIR[0] + changed, PAIR[1] + changed)
    return Contrast(f"batch normalization {words},", weights=_changes.beyond(pair, PAIR), **own)


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
            "layer, several rates",
            "none, several rates",
            "log10_of_the_largest_rate",
            **POWERS,
            text="Layer normalization tolerates larger learning rates than no normalization.",
        ),
        Claim(
            "before, small batches",
            "none, small batches",
            direction="lower",
            text="With small batches batch normalization has the lower test accuracy.",
        ),
        _more(
            ", six layers",
            "with six layers, minus that with four",
            direction="lower",
            least=-0.003,
            text="What batch normalization gains grows by less than 0.3 points with six layers.",
        ),
        _more(
            ", glorot_normal",
            "with these kernels, minus that with the recipe's",
            text="Without batch normalization more is lost by kernels of `glorot_normal`.",
        ),
    ],
    "`baseline_mlp`, without normalization or with batch normalization before the activation, "
    f"{_changes.COUNTS}. Small batches are of 8 images, of the fewer ones. All have the learning "
    "rate of the recipe, 0.001, which fits one arm better than another; the exercise chooses one "
    f"for each. Several rates: {len(RATES)} from 0.001 to 1 are tried for {TRIAL_EPOCHS} epochs, "
    "without normalization or with layer normalization, and the largest one that is tolerated is "
    "found as in the exercise",
    further=[columns.where_measured(TOLERATED, "largest_rate")],
    quick=Quick(arms=arms(rates=(1e-3, 1e-1), epochs=1)),
)
