"""Candidates for the best plain MLP of at most 5 million parameters, chosen by validation."""

from typing import Any

from fashion_zoo.experiments import choosing

EPOCHS = 40
MANY = 200
VARIED = "standard | cutmix(1, 0.5)"
ROTATED = "standard | rotate(4) | cutmix(1, 0.5)"


def _training(**training: Any) -> dict[str, Any]:
    return {"training": training}


def _model(**model: Any) -> dict[str, Any]:
    return {"model": model}


EXPERIMENT = choosing(
    "strongest",
    "What makes a plain MLP of at most 5 million parameters better?",
    {
        "bn_mlp.large": {},
        "1536-1024-1024": _model(hidden_units=(1536, 1024, 1024)),
        "2048-1024-512": _model(hidden_units=(2048, 1024, 512)),
        "1024 x 4": _model(hidden_units=(1024,) * 4),
        "1024 x 4, residual": _model(hidden_units=(1024,) * 4, residual=True),
        "dropout 0": _model(dropout=0.0),
        "dropout 0.15": _model(dropout=0.15),
        "batch normalization after the activation": _model(normalization_position="after"),
        "flip | translate(2) | cutmix(1, 0.5)": _training(
            augmentation="flip | translate(2) | cutmix(1, 0.5)"
        ),
        "flip | translate(1) | cutmix(1, 1)": _training(
            augmentation="flip | translate(1) | cutmix(1, 1)"
        ),
        "flip | translate(1)": _training(
            augmentation="flip | translate(1)", schedules={"mixing": "constant"}
        ),
        "standard | cutmix(1, 0.5)": _training(augmentation=VARIED),
        "strong": _training(augmentation="strong"),
        "label smoothing 0.1": _training(label_smoothing=0.1),
        "learning rate 0.01": _training(learning_rate=1e-2),
        "batch 1024, learning rate 0.01": _training(batch_size=1024, learning_rate=1e-2),
        "weight decay 0.2": _training(optimizer="adamw", weight_decay=0.2),
        "ema(0.999)": _training(averaging="ema(0.999)"),
        # None of these gained more than another seed does. Many epochs, with what came out first:
        "standard | rotate(4) | cutmix(1, 0.5), 200 epochs": _training(
            augmentation=ROTATED, epochs=MANY
        ),
        "standard | rotate(4) | cutmix(1, 0.5), dropout 0.2, 200 epochs": {
            **_model(dropout=0.2),
            **_training(augmentation=ROTATED, epochs=MANY),
        },
        "standard | rotate(4) | cutmix(1, 0.5) to the end, dropout 0.2, 200 epochs": {
            **_model(dropout=0.2),
            **_training(augmentation=ROTATED, epochs=MANY, schedules={"mixing": "constant"}),
        },
        "1536-1024-1024, standard | cutmix(1, 0.5), 200 epochs": {
            **_model(hidden_units=(1536, 1024, 1024)),
            **_training(augmentation=VARIED, epochs=MANY),
        },
    },
    recipe="bn_mlp.large",
    settings={"training": {"epochs": EPOCHS}},
    note=f"Each candidate is `bn_mlp.large` with {EPOCHS} epochs, but for what its name says. "
    "Where an average of weights has the figures of the first candidate, validation chose the raw "
    "weights.",
    page="docs/choosing-strongest.md",
)
