"""The changes of the exercise on dropout rates: another recipe, images, widths, rates by layer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fashion_zoo.experiments import Arm, Claim, Contrast, Quick
from recipes.experiments import _changes
from recipes.experiments._units import NATS

WIDE = {"hidden_units": (1024, 512, 256, 128)}
FALLING = (0.5, 0.5, 0.1, 0.1)


def _arm(
    name: str,
    dropout: Any,
    recipe: str = "baseline_mlp",
    model: Mapping[str, Any] = MappingProxyType({}),
    **changes: Any,
) -> Arm:
    return Arm(name, recipe, {**changes, "model": {**model, "dropout": dropout}})


EXPERIMENT = _changes.changes(
    "dropout_rates",
    "dropout rates",
    "docs/exercises/dropout.md",
    [
        _arm("rate 0", 0.0),
        _arm("rate 0.7", 0.7),
        _arm("bn_mlp, rate 0", 0.0, "bn_mlp"),
        _arm("bn_mlp, rate 0.1", 0.1, "bn_mlp"),
        _arm("fewer images, rate 0", 0.0, **_changes.FEW),
        _arm("fewer images, rate 0.3", 0.3, **_changes.FEW),
        _arm("doubled widths, rate 0", 0.0, model=WIDE),
        _arm("doubled widths, rate 0.7", 0.7, model=WIDE),
        _arm("falling", FALLING),
        _arm("rising", FALLING[::-1]),
    ],
    [
        Claim(
            "bn_mlp, rate 0.1",
            "bn_mlp, rate 0",
            direction="same",
            least=0.003,
            text="A rate of 0.1 changes `bn_mlp` by less than 0.3 points.",
        ),
        Claim(
            "fewer images, rate 0", "rate 0", "gap", **NATS, text="Fewer images leave a larger gap."
        ),
        Claim(
            "fewer images, rate 0.3",
            "fewer images, rate 0",
            text="With fewer images a rate of 0.3 is better than none.",
        ),
        Contrast(
            "a rate of 0.7 with doubled widths, minus that with the recipe's,",
            weights=_changes.beyond(
                ("doubled widths, rate 0.7", "doubled widths, rate 0"), ("rate 0.7", "rate 0")
            ),
            text="With doubled widths a rate of 0.7 loses less.",
        ),
        Claim(
            "falling",
            "rising",
            direction="same",
            least=0.005,
            text="Falling rates differ from rising ones by less than 0.5 points.",
        ),
    ],
    f"`baseline_mlp`, or `bn_mlp` as stated, {_changes.COUNTS}. Falling are the rates "
    f"{', '.join(map(str, FALLING))} of the four layers, rising the reverse",
    quick=Quick({"training": {"epochs": 1}}),
    **_changes.OVERFITTING,
)
