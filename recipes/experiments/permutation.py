"""Pixels in one fixed permutation: what networks know of space."""

import numpy as np

from fashion_zoo.data import load
from fashion_zoo.data.sources import WORDS, Given, Raw, Source
from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from recipes.experiments._figures import Point, by_row

ORDER_SEED = 0
SOURCES = {"in order": "fashion_mnist", "permuted": "permuted_fashion_mnist"}
NETWORKS = {
    "MLP": ("bn_mlp", {}),
    "convolutions": ("conv_teacher", {"filters": (16, 32), "depth": 1}),
}
POINTS = {f"{name}, {order}": Point(order, name) for name in NETWORKS for order in SOURCES}


def permuted(images: np.ndarray) -> np.ndarray:
    """Return (n, height, width) images whose pixels are in one order, the same for all of them."""
    count = images[0].size
    order = np.random.default_rng(ORDER_SEED).permutation(count)
    return images.reshape(len(images), count)[:, order].reshape(images.shape)


@WORDS.register
def permuted_fashion_mnist() -> Source:
    """Fashion-MNIST with the pixels of every image in one fixed order, drawn at random."""

    def read(config):
        data = load()
        train, test, validation = (
            Given(permuted(part.images), part.labels)
            for part in (data.train, data.test, data.validation)
        )
        return Raw(train, test, validation, class_names=data.class_names)

    return Source(read)


def _arm(name: str, point: Point) -> Arm:
    recipe, own = NETWORKS[point.at]
    return Arm(name, recipe, {"model": own, "data": {"source": SOURCES[point.series]}})


EXPERIMENT = Experiment(
    name="permutation",
    question="What does a network lose if the pixels are shuffled in one fixed way?",
    arms=[_arm(name, point) for name, point in POINTS.items()],
    settings={
        "data": {"limit": 10_000},
        "training": {"epochs": 10, "augmentation": "none"},
        "precision": "float32",
    },
    imports=["recipes.teachers.convolutional"],
    claims=[
        Claim(
            "MLP, permuted",
            "MLP, in order",
            direction="same",
            least=0.005,
            text="Shuffled pixels change the accuracy of a multilayer perceptron by less than half "
            "a point.",
            number="C20",
        ),
        Claim(
            "convolutions, permuted",
            "convolutions, in order",
            direction="lower",
            least=0.02,
            text="Shuffled pixels cost convolutions more than two points.",
            number="C20",
        ),
        Claim(
            "convolutions, permuted",
            "MLP, permuted",
            direction="lower",
            text="With shuffled pixels, convolutions are worse than a multilayer perceptron.",
        ),
    ],
    columns=[
        columns.Column("network", lambda measured, arm: POINTS[arm].at),
        columns.Column("pixels", lambda measured, arm: POINTS[arm].series),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.seconds(),
    ],
    note="`bn_mlp` with its defaults, and two 3x3 convolutions of 16 and 32 filters with batch "
    "normalization, pooling between them and an average over all places; 10,000 images, 10 epochs, "
    "no augmentation. Mean over {seeds} with {interval}; it is the interval for these images. "
    "{machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 1}}),
    page="docs/claims/permutation.md",
    figure=by_row(
        POINTS,
        "One fixed permutation of the pixels",
        "Test accuracy with pixels in order and in another order, the same for all images.",
    ),
)
