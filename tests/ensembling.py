"""Small ensembles: of runs, and of Keras models without runs."""

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo.data import Dataset
from fashion_zoo.ensembles import Members
from fashion_zoo.ensembles.choosing import predicted

SMALL = {
    "model": {"hidden_units": (16,)},
    "data": {"limit": 400},
    "training": {"epochs": 1, "batch_size": 40, "learning_rate": 0.01},
    "evaluate": False,
    "export": False,
}
METHODS = {"average": "average", "greedy": "greedy(3)", "soup": "soup('uniform')", "stack": "stack"}


def members(folder):
    """The runs of ``make``."""
    return [folder / "run-0", folder / "run-1"]


def make(folder):
    """Train two runs, and make an ensemble of them by each method."""
    for seed, path in enumerate(members(folder)):
        fashion_zoo.train("bn_mlp", seed=seed, run_dir=path, **SMALL)
    with pytest.MonkeyPatch.context() as patch:
        unread = property(lambda self: pytest.fail("the test images were read"))
        patch.setattr(Dataset, "test", unread)
        for name, method in METHODS.items():
            fashion_zoo.ensemble(members(folder), method, to=folder / name, temperature=True)


def network(seed, units=6, classes=10, activation="relu", batch_norm=False, shape=(28, 28)):
    """A small compiled model from pixels to logits, whose layers have the same names each time."""
    inputs = keras.Input(shape, name="images")
    x = keras.layers.Flatten(name="flatten")(inputs)
    x = keras.layers.Rescaling(1 / 255, name="scale")(x)
    kernel = keras.initializers.HeNormal(seed)
    x = keras.layers.Dense(units, name="dense_1", kernel_initializer=kernel)(x)
    if batch_norm:
        x = keras.layers.BatchNormalization(name="batch_norm_1")(x)
    x = keras.layers.Activation(activation, name="activation_1")(x)
    kernel = keras.initializers.RandomNormal(stddev=2.0, seed=seed + 100)
    x = keras.layers.Dense(classes, name="logits", kernel_initializer=kernel)(x)
    model = keras.Model(inputs, x, name="network")
    model.compile("adam")
    return model


def members_of(models, images, labels, batches=None):
    """Members of models; by default their batches are these images in batches of 50."""
    return Members(
        [f"model {place}" for place in range(len(models))],
        np.stack([predicted(model, images) for model in models]),
        labels.astype("int64"),
        images,
        lambda place: models[place],
        batches or (lambda model: [images[at : at + 50] for at in range(0, len(images), 50)]),
        lambda: np.arange(len(images)) % (np.arange(len(models))[:, None] + 3) > 0,
    )


def ensemble_method(word, vocabulary, images):
    """What every method must hold; see ``test_words.KINDS``."""
    models = [network(seed, batch_norm=True) for seed in range(3)]
    members = members_of(models, images.images, images.labels)
    found = vocabulary.parse(word).combine(members)
    built = found.build()
    count = len(images.labels)
    assert found.log_probabilities.shape == (count, 10)
    assert np.exp(found.log_probabilities).sum(axis=1) == pytest.approx(np.ones(count), abs=1e-9)
    assert built.input_shape == (None, 28, 28)
    assert keras.ops.convert_to_numpy(built(images.images[:2])).dtype == np.float32
    if found.weights is not None:
        assert sum(found.weights) == pytest.approx(1)
        assert np.abs(predicted(built, images.images) - found.log_probabilities).max() < 1e-4
    again = vocabulary.parse(word).combine(members_of(models, images.images, images.labels))
    assert np.array_equal(again.log_probabilities, found.log_probabilities)
