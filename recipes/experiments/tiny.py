"""Candidates for a recipe of at most 100,000 parameters, chosen by validation."""

from typing import Any

from fashion_zoo.experiments import choosing

EPOCHS = 100
UNMIXED_AT_THE_END = {"mixing": "step(0, at=[0.8])"}


def _units(*units: int) -> dict[str, Any]:
    return {"model": {"hidden_units": units}}


def _training(**training: Any) -> dict[str, Any]:
    return {"training": training}


def _mixed(augmentation: str, **training: Any) -> dict[str, Any]:
    return _training(augmentation=augmentation, schedules=UNMIXED_AT_THE_END, **training)


EXPERIMENT = choosing(
    "tiny",
    "What is the best training of at most 100,000 parameters?",
    {
        "112-80": {},
        "120": _units(120),
        "96-96-96": _units(96, 96, 96),
        "104-64-64-64": _units(104, 64, 64, 64),
        "without augmentation": _training(augmentation="none"),
        "flip | translate(1)": _training(augmentation="flip | translate(1)"),
        "flip | cutmix(1, 0.5)": _mixed("flip | cutmix(1, 0.5)"),
        "flip | mixup(0.2)": _mixed("flip | mixup(0.2)"),
        "dropout 0.05": {"model": {"dropout": 0.05}},
        "learning rate 0.002": _training(learning_rate=2e-3),
        "learning rate 0.0125": _training(learning_rate=1.25e-2),
        "batch 128": _training(batch_size=128),
        "batch 512, learning rate 0.01": _training(batch_size=512, learning_rate=1e-2),
        "label smoothing 0.1": _training(label_smoothing=0.1),
        "weight decay 0.05": _training(optimizer="adamw", weight_decay=0.05),
        "gelu": {"model": {"activation": "gelu"}},
        "ema(0.999)": _training(averaging="ema(0.999)"),
        "lookahead(adam)": _training(optimizer="lookahead(adam)"),
        "200 epochs": _training(epochs=200),
        # Of these cutmix gained by far the most. What goes with it:
        "flip | cutmix(1, 1)": _mixed("flip | cutmix(1, 1)"),
        "flip | translate(1) | cutmix(1, 0.5)": _mixed("flip | translate(1) | cutmix(1, 0.5)"),
        "flip | cutmix(1, 0.5), 104-64-64-64": {
            **_units(104, 64, 64, 64),
            **_mixed("flip | cutmix(1, 0.5)"),
        },
        "flip | cutmix(1, 0.5), learning rate 0.0125": _mixed(
            "flip | cutmix(1, 0.5)", learning_rate=1.25e-2
        ),
        "flip | cutmix(1, 0.5), 400 epochs": _mixed("flip | cutmix(1, 0.5)", epochs=400),
        "flip | translate(1) | cutmix(1, 0.5), 400 epochs": _mixed(
            "flip | translate(1) | cutmix(1, 0.5)", epochs=400
        ),
    },
    settings={
        "model": {"hidden_units": (112, 80), "dropout": 0.0},
        "training": {
            "epochs": EPOCHS,
            "batch_size": 256,
            "learning_rate": 5e-3,
            "augmentation": "flip",
        },
    },
    note=f"Each candidate is `bn_mlp` with 112 and 80 hidden units, no dropout, {EPOCHS} epochs, "
    "batches of 256, a learning rate of 0.005 and flipped images, but for what its name says; "
    "images are mixed in the first 80 % of a training. Where an average of weights has the figures "
    "of the first candidate, validation chose the raw weights.",
    page="docs/choosing-tiny.md",
)
