"""Trainings that go wrong, and what mends each, one change at a time."""

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from fashion_zoo.activations import WORDS, Activation
from fashion_zoo.auditing import audit
from fashion_zoo.data import Dataset, Images, Positions
from fashion_zoo.seeds import derive
from recipes.experiments._kernels import relu
from recipes.experiments._training import other_labels

RECIPE, IMAGES, EPOCHS = "baseline_mlp", 10_000, 10
WRONG = 0.2  # of the training labels
DEVIATION = 0.5  # of the kernels that are too large; for 128 inputs He's is 0.125
Changes = Mapping[str, Any]


@WORDS.register
def relu_of_large_kernels() -> Activation:
    """``max(x, 0)`` behind kernels with a standard deviation of 0.5."""
    return relu(DEVIATION)


def scaled_twice(data: Dataset, _: int) -> Dataset:
    """Return the data set with pixels in 0..1, which the model divides by 255 once more.

    They are float32, as no source gives them.
    """

    def read(part: Any) -> Images:
        whole = data.read(part)
        return whole._replace(images=(whole.images / 255).astype("float32"))

    return dataclasses.replace(data, read=read)


def mislabelled(data: Dataset, seed: int) -> Dataset:
    """Return the training and validation images in use, a fifth of the training labels wrong."""
    generator = np.random.default_rng(derive(seed, "wrong labels"))
    train, held_out = data.train, data.validation
    count, classes = len(train.labels), len(data.class_names)
    wrong = generator.choice(count, round(WRONG * count), replace=False)
    labels = train.labels.copy()
    labels[wrong] = other_labels(labels[wrong], classes, generator)
    images, labels = (
        np.concatenate(pair) for pair in zip((train.images, labels), held_out, strict=True)
    )
    whole = Images(images, labels)
    return dataclasses.replace(
        data,
        origin=dataclasses.replace(data.origin, limit=None),
        positions=Positions(np.arange(count), np.arange(count, len(labels)), data.positions.test),
        read=lambda part: whole if part == "train" else data.read(part),
    )


def without_suspects(data: Dataset, seed: int) -> Dataset:
    """Return the data set of ``mislabelled`` without what an audit calls label errors.

    The audit learns from the validation images too, whose labels are right.
    """
    spoiled = mislabelled(data, seed)
    with tempfile.TemporaryDirectory() as folder:
        found = audit(spoiled, to=f"{folder}/audit", seed=seed, progress=False)
    suspects = found["lists"]["label_errors"]["train"]
    positions = spoiled.positions
    kept = np.setdiff1d(positions.train, suspects)
    return dataclasses.replace(spoiled, positions=positions._replace(train=kept))


FAULTS: Mapping[str, Callable[[Dataset, int], Dataset]] = {
    "pixels in 0..1, divided by 255 again": scaled_twice,
    "a fifth of the training labels wrong": mislabelled,
    "and without the label errors of an `audit`": without_suspects,
}
"""What is done to images or labels, which no option does, in words."""
SCALED, LABELS, AUDITED = FAULTS


class Training(NamedTuple):
    """A recipe with changes, and a fault of its images or labels."""

    changes: Changes = MappingProxyType({})
    recipe: str = RECIPE
    fault: str | None = None
    """One of ``FAULTS``."""


class Trouble(NamedTuple):
    """A training that goes wrong, and those that mend it."""

    wrong: Training
    cures: Mapping[str, Training]
    """Name to a training whose changes are added to those of the trouble."""
    images: int = IMAGES
    overfits: bool = False
    """Whether a cure is claimed to lower the validation loss, not to raise the accuracy."""


def _trouble(changes: Changes, cures: Mapping[str, Changes], **own: Any) -> Trouble:
    """Return a trouble in the settings, and its cures."""
    return Trouble(Training(changes), {name: Training(one) for name, one in cures.items()}, **own)


PENALTY: Changes = {"model": {"l2": 0.001}}
DEEP = (128,) * 6
DEEPER = (128,) * 10
RATE: Mapping[str, Changes] = {"a learning rate of 0.001": {"training": {"learning_rate": 0.001}}}
NORMALIZED: Mapping[str, Changes] = {"batch normalization": {"model": {"normalization": "batch"}}}
CLIPPED: Mapping[str, Changes] = {"clipping": {"training": {"clipping": "global_norm(1)"}}}
TROUBLES: Mapping[str, Trouble] = {
    "does not learn: too large a rate": _trouble({"training": {"learning_rate": 0.3}}, RATE),
    "does not learn: too small a rate": _trouble({"training": {"learning_rate": 1e-6}}, RATE),
    "does not learn: gradients vanish": _trouble(
        {"model": {"hidden_units": DEEPER, "activation": "sigmoid"}}, NORMALIZED
    ),
    "does not learn: too long a step": _trouble(
        {"training": {"optimizer": "sgd", "learning_rate": 0.3}}, CLIPPED
    ),
    "learns badly: gradients explode": _trouble(
        {"model": {"hidden_units": DEEP, "activation": "relu_of_large_kernels"}},
        {"kernels that fit": {"model": {"activation": "relu"}}, **NORMALIZED, **CLIPPED},
    ),
    "learns badly: pixels scaled twice": Trouble(
        Training(fault=SCALED), {"pixels scaled once": Training()}
    ),
    "learns badly: wrong labels": Trouble(
        Training(fault=LABELS),
        {"labels mended": Training(), "suspects left out": Training(fault=AUDITED)},
    ),
    "overfits": _trouble(
        {"training": {"epochs": 40}},
        {
            "more images": {"data": {"limit": IMAGES}},
            "augmentation": {"training": {"augmentation": "standard"}},
            "dropout": {"model": {"dropout": 0.2}},
            "an L2 penalty": PENALTY,
            "a smaller model": {"model": {"hidden_units": (64, 32)}},
            "early stopping": {"training": {"early_stopping": {"monitor": "loss", "patience": 3}}},
        },
        images=2_000,
        overfits=True,
    ),
    "underfits: too small a model": _trouble(
        {"model": {"hidden_units": (4,)}},
        {"more units": {"model": {"hidden_units": (256, 128)}}},
    ),
    "underfits: too much dropout": _trouble(
        {"model": {"dropout": 0.8}}, {"less dropout": {"model": {"dropout": 0.1}}}
    ),
    "underfits: no neighbours": Trouble(
        Training({"model": {"hidden_units": (1568, 1024, 1024)}}, "bn_mlp.large"),
        {"kernels that begin as a convolution": Training(recipe="conv_start_mlp")},
    ),
    "underfits: too short a training": _trouble(
        {"training": {"epochs": 1}}, {"more epochs": {"training": {"epochs": 20}}}
    ),
}
CURES = {
    f"{name}, {cure}": (name, own)
    for name, one in TROUBLES.items()
    for cure, own in one.cures.items()
}
"""Arm of a cure to the arm of its trouble, and its training."""


def changes_of(arm: str) -> tuple[Changes, ...]:
    """Return the changes of an arm, to be applied in order."""
    if arm in TROUBLES:
        return (TROUBLES[arm].wrong.changes,)
    trouble, cure = CURES[arm]
    return (TROUBLES[trouble].wrong.changes, cure.changes)


def training_of(arm: str) -> Training:
    """Return the training of an arm."""
    return TROUBLES[arm].wrong if arm in TROUBLES else CURES[arm][1]
