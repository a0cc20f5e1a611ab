"""Whole policies on batches: keys, shapes, ranges, the pipeline. Single operations: test_warps."""

import numpy as np
import pytest
import tensorflow as tf

from fashion_zoo import ConfigError
from fashion_zoo.augment import Augmenter, Strength
from fashion_zoo.augment.policies import OPERATIONS, POLICIES, mixes, parse
from fashion_zoo.data.batches import encode, epoch_order, smooth
from fashion_zoo.data.pipeline import training_pipeline

TEXTS = [
    *("either(mixup, cutmix)" if name == "either" else name for name in OPERATIONS),
    *(name for name in POLICIES if name != "none"),
    "rotate | elastic | shift | noise | flip",
]


def one_hot(images):
    return encode(images.labels, 10, 0.0)


def run(text, images, labels, epoch=0, step=0, seed=1, strength=(1.0, 1.0)):
    changed, mixed = Augmenter(parse(text), seed)(images, labels, epoch, step, Strength(*strength))
    return changed.numpy(), np.asarray(mixed)


@pytest.mark.parametrize("text", TEXTS)
def test_a_batch_is_keyed_by_seed_epoch_and_step(text, images):
    pixels, labels = images.images, one_hot(images)
    changed, mixed = run(text, pixels, labels, 3, 4)
    assert (changed.dtype, changed.shape) == (np.float32, pixels.shape)
    assert -1e-3 <= changed.min() < changed.max() <= 255 + 1e-3
    assert (changed != pixels).any()
    again = run(text, pixels, labels, 3, 4)
    assert np.array_equal(changed, again[0])
    assert np.array_equal(mixed, again[1])
    for other in ({"epoch": 4, "step": 3}, {"epoch": 5}, {"step": 5}, {"seed": 2}):
        key = {"epoch": 3, "step": 4} | other
        assert not np.array_equal(changed, run(text, pixels, labels, **key)[0])
    assert mixed.sum(axis=1) == pytest.approx(np.ones(200), abs=1e-6)
    assert np.array_equal(mixed, labels) != mixes(parse(text))


def test_every_operation_has_a_key_of_its_own():
    grey = np.full((50, 28, 28), 128, dtype=np.uint8)
    added = run("noise(0.1) | noise(0.1)", grey, grey)[0] - 128
    assert added.std() == pytest.approx(25.5 * np.sqrt(2), rel=0.02)  # of one key: 25.5 * 2
    dots = np.zeros((50, 29, 29), dtype=np.uint8)
    dots[:, 14, 14] = 255
    _, y, x = np.nonzero(run("shift(3) | shift(3)", dots, dots)[0])
    assert len(y) == 50
    assert {*(y % 2), *(x % 2)} == {0, 1}  # of one key, every move is even


@pytest.mark.slow
def test_a_map_does_what_eager_code_does(images):
    """All in one map: its graph is built and optimized once."""
    pixels = images.images[:40].reshape(2, 20, 28, 28)
    labels = one_hot(images)[:40].reshape(2, 20, 10)
    augmenters = {text: Augmenter(parse(text), 1) for text in TEXTS}

    def change(step, batch):
        return {text: does(*batch, tf.constant(2), step) for text, does in augmenters.items()}

    data = tf.data.Dataset.from_tensor_slices((pixels, labels)).enumerate()
    for step, found in enumerate(data.map(change, num_parallel_calls=2)):
        for text, (changed, mixed) in found.items():
            expected = run(text, pixels[step], labels[step], 2, step)
            assert np.abs(changed.numpy() - expected[0]).max() <= 1e-3, text
            assert np.abs(mixed.numpy() - expected[1]).max() <= 1e-6, text


@pytest.mark.parametrize("text", TEXTS)
def test_strength_0_changes_nothing(text, images):
    pixels, labels = images.images, one_hot(images)
    changed, mixed = run(text, pixels, labels, strength=(0.0, 0.0))
    assert np.abs(changed - pixels).max() <= 1e-3
    assert np.array_equal(mixed, labels)


@pytest.mark.parametrize("text", TEXTS)
def test_other_sizes_work(text):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 20, 32), dtype=np.uint8)
    assert run(text, pixels, np.eye(3, dtype="float32")[:1])[0].shape == (1, 20, 32)


def pipeline(images, text, **changes):
    settings = {"batch_size": 64, "seed": 5, "num_classes": 10, "policy": parse(text)}
    settings["soft_labels"] = mixes(settings["policy"])
    return training_pipeline(images, **(settings | changes))


def read(made, epoch):
    made.start_epoch(epoch)
    return [(x.numpy(), y.numpy()) for x, y in made.batches]


def test_the_pipeline_augments_each_batch_with_its_key(images):
    text = "flip | translate(2) | mixup(0.4)"
    made = pipeline(images, text)
    for epoch in (0, 2):
        order = epoch_order(200, 64, seed=5, epoch=epoch)
        for step, (x, y) in enumerate(read(made, epoch)):
            rows = order[step]
            changed, mixed = run(text, images.images[rows], one_hot(images)[rows], epoch, step, 5)
            assert np.abs(x - changed).max() <= 1e-3
            assert np.abs(y - mixed).max() <= 1e-6


def test_labels_stay_integers_where_nothing_mixes_them(images):
    made = pipeline(images, "flip")
    rows = epoch_order(200, 64, seed=5, epoch=0)[0]
    assert np.array_equal(read(made, 0)[0][1], images.labels[rows])


@pytest.mark.parametrize("smoothing", [0.1, np.array([0.1] * 3, "float32")])
def test_mixed_labels_are_smoothed_too(images, smoothing):
    plain = read(pipeline(images, "mixup(0.4)"), 0)
    smoothed = read(pipeline(images, "mixup(0.4)", label_smoothing=smoothing), 0)
    for (x, y), (also, softer) in zip(plain, smoothed, strict=True):
        assert np.array_equal(x, also)
        assert np.abs(softer - smooth(y, 0.1)).max() <= 1e-6


def test_strength_and_mixing_move_by_the_step(images):
    table = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 1.0], "float32")  # two epochs of three steps
    made = pipeline(images, "translate | mixup", augmentation=table, mixing=1 - table)
    orders = [epoch_order(200, 64, seed=5, epoch=epoch) for epoch in (0, 1)]
    for epoch in (1, 0):
        for step, (x, y) in enumerate(read(made, epoch)):
            rows = orders[epoch][step]
            full = table[3 * epoch + step] == 1
            mixed = not np.array_equal(y, one_hot(images)[rows])
            assert mixed != full
            if full:  # moved by fractions of a pixel
                assert (x != np.round(x)).any()


@pytest.mark.parametrize("shape", [(784,), (28, 28, 1)])
def test_other_input_shapes_get_the_same_pixels(images, shape):
    flat = images._replace(images=images.images.reshape(200, *shape))
    for (x, _), (y, _) in zip(
        read(pipeline(flat, "flip | rotate", image_shape=(28, 28)), 0),
        read(pipeline(images, "flip | rotate"), 0),
        strict=True,
    ):
        assert x.shape == (64, *shape)
        assert np.array_equal(x.reshape(y.shape), y)


def test_another_backend_is_told_what_to_do(images, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(ConfigError, match="the backend is jax"):
        pipeline(images, "flip")
    assert len(pipeline(images, "none").batches) == 3
