"""Linear classifiers of the outputs of each layer: what depth adds to the features."""

import functools

import numpy as np

from fashion_zoo.data import Dataset, Images, stratified
from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from fashion_zoo.experiments.experiment import Row
from recipes.experiments import _looking
from recipes.experiments._figures import Panel, Point, by_row

UNITS, EPOCHS = (256, 256, 256, 256), 10
PROBED = 5_000  # training images, from which a linear classifier learns
STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
PIXELS, LAYERS = "pixels", tuple(f"layer {number}" for number in range(1, len(UNITS) + 1))
UNTRAINED = f"{LAYERS[-1]}, untrained"
ARMS = (PIXELS, *LAYERS, UNTRAINED)


def probe(train: np.ndarray, labels: np.ndarray, test: np.ndarray, wanted: np.ndarray) -> float:
    """Return the accuracy of a ridge classifier of features, (images, features).

    Its strength is the best of leave-one-out errors on the training images.
    """
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), RidgeClassifierCV(STRENGTHS))
    return float(classifier.fit(train, labels).score(test, wanted))


@functools.lru_cache(maxsize=1)
def scores(seed: int, data: Dataset) -> dict[str, Row]:
    """Train once; return what each arm measures of that training."""
    changes = {
        "model": {"hidden_units": UNITS, "dropout": 0.0},
        "training": {"epochs": EPOCHS},
    }
    done, kept = _looking.training("bn_mlp", changes, seed, data)
    network = _looking.accuracies(done, data)
    model = _looking.build("bn_mlp", changes, seed, data)
    chosen = stratified(data.train.labels, min(PROBED, len(data.train.labels)))
    known = Images(data.train.images[chosen], data.train.labels[chosen])

    def flat(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1).astype(float)

    def scored(train: np.ndarray, test: np.ndarray) -> Row:
        found = probe(train, known.labels, test, data.test.labels)
        return {"probe_accuracy": found, "network_accuracy": network["test_accuracy"]}

    look, found = _looking.hidden_outputs(model), {}
    found[UNTRAINED] = scored(look(known.images)[-1], look(data.test.images)[-1])
    model.set_weights(kept[-1])
    found[PIXELS] = scored(flat(known.images), flat(data.test.images))
    pairs = zip(look(known.images), look(data.test.images), strict=True)
    return found | {name: scored(*pair) for name, pair in zip(LAYERS, pairs, strict=True)}


def measure(arm: str, seed: int, data: Dataset) -> Row:
    """Return the accuracy of a linear classifier of one layer."""
    return scores(seed, data)[arm]


def _better(one: str, other: str) -> str:
    return f"A linear classifier does better with {one} than with {other}."


EXPERIMENT = Experiment(
    name="probes",
    question="Does a linear classifier do better with the outputs of a deeper layer?",
    arms=[Arm(name, program=functools.partial(measure, name)) for name in ARMS],
    settings={"data": {"limit": 20_000}},
    claims=[
        *(
            Claim(deeper, other, "probe_accuracy", text=_better(deeper, other), number="C3")
            for other, deeper in zip((PIXELS, *LAYERS), LAYERS, strict=False)
        ),
        Claim(
            LAYERS[-1],
            UNTRAINED,
            "probe_accuracy",
            text=_better(f"{LAYERS[-1]}, trained,", "the same untrained"),
        ),
    ],
    columns=[
        columns.name("features", code=lambda arm: False),
        columns.accuracy("linear classifier, test accuracy", "probe_accuracy"),
        columns.against("points against pixels", "probe_accuracy", PIXELS),
        columns.accuracy("the network itself", "network_accuracy"),
    ],
    note=f"`bn_mlp` with four layers of 256 units and no dropout, 20,000 images, {EPOCHS} epochs. "
    f"A ridge classifier learns from the outputs of a layer for {PROBED:,} training images, "
    "standardized, with the strength of the least leave-one-out error. Accuracies are those of the "
    "test images. Mean over {seeds} with {interval}; it is the interval for these images. "
    "{machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}}),
    page="docs/claims/probes.md",
    figure=by_row(
        {name: Point("", name) for name in ARMS},
        "Linear classifiers of each layer",
        "Test accuracy of a linear classifier of the outputs.",
        Panel("probe_accuracy", "test accuracy", percent=True),
    ),
)
