"""The changes of the exercise on dropout rates: another recipe, images, widths, rates by layer."""

from typing import Any

from fashion_zoo.experiments import Arm, Claim, Contrast, columns
from recipes.experiments import _changes
from recipes.experiments._units import NATS

WIDE = {"hidden_units": (1024, 512, 256, 128)}
FALLING = (0.5, 0.5, 0.1, 0.1)


def _arm(name: str, dropout: Any, recipe: str = "baseline_mlp", **changes: Any) -> Arm:
    model = {**changes.pop("model", {}), "dropout": dropout}
    return Arm(name, recipe, {**changes, "model": model})


EXPERIMENT = _changes.changes(
    "dropout_rates",
    "dropout rates",
    "docs/exercises/dropout.md",
    [
        _arm("rate 0", 0.0),
        _arm("rate 0.7", 0.7),
        _arm("bn_mlp, rate 0", 0.0, "bn_mlp"),
        _arm("bn_mlp, rate 0.1", 0.1, "bn_mlp"),
        *(
            _arm(f"fewer images, rate {rate:g}", rate, data=_changes.FEW["data"])
            for rate in (0.0, 0.3)
        ),
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
            "fewer images, rate 0",
            "rate 0",
            "gap",
            **NATS,
            text=f"{_changes.FEWER:,} images leave a larger gap.",
        ),
        Claim(
            "fewer images, rate 0.3",
            "fewer images, rate 0",
            text=f"With {_changes.FEWER:,} images a rate of 0.3 is better than none.",
        ),
        Contrast(
            "doubled widths on what a rate of 0.7 gains",
            weights=_changes.beyond(
                ("doubled widths, rate 0.7", "doubled widths, rate 0"), ("rate 0.7", "rate 0")
            ),
            text="With doubled widths a rate of 0.7 loses less.",
        ),
        Claim("falling", "rising", text="Rates that fall with depth are better than rising ones."),
    ],
    f"`baseline_mlp`, or `bn_mlp` as stated, on {_changes.IMAGES:,} images for {_changes.EPOCHS} "
    f"epochs; fewer images are {_changes.FEWER:,}. Falling are the rates "
    f"{', '.join(map(str, FALLING))} of the four layers, rising the reverse. The gap is validation "
    "loss minus training loss, both without dropout",
    columns.value("gap", "gap", "+.3f"),
    metrics=_changes.with_gap(),
)
