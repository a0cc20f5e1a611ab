"""Single operations against slow plain references."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from fashion_zoo.augment import mixing, pixels, warps
from fashion_zoo.augment.warps import Affine
from fashion_zoo.policies import parse

KEY = tf.constant([3, 4])
COUNT = 20_000


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).uniform(0, 255, (6, 20, 28)).astype("float32")


def reference(image, affine, field):
    """Interpolate one image at the mapped places; affine and field are of this image."""
    height, width = image.shape
    y, x = np.mgrid[:height, :width].astype("float64")
    x, y = x - (width - 1) / 2 + field[0], y - (height - 1) / 2 + field[1]
    a, b, c, d, e, f = affine
    places = [d * x + e * y + f + (height - 1) / 2, a * x + b * y + c + (width - 1) / 2]
    return ndimage.map_coordinates(image, places, order=1, mode="grid-constant", cval=0)


def maps(turning):
    generator = np.random.default_rng(1)
    drawn = generator.normal([1, 0, 0, 0, 1, 0], [0.3, 0.3, 4, 0.3, 0.3, 4], (6, 6))
    if not turning:
        drawn[:, [1, 3]] = 0
        drawn[0, 0] = -1
    return drawn.astype("float32")


@pytest.mark.parametrize(
    ("way", "turning"), [("stretched", False), ("turned", False), ("turned", True)]
)
def test_affine_maps_are_those_of_scipy(noise, way, turning):
    drawn = maps(turning)
    found = getattr(warps, way)(tf.constant(noise), Affine(*tf.constant(drawn.T))).numpy()
    for image, affine, result in zip(noise, drawn, found, strict=True):
        assert np.abs(result - reference(image, affine, np.zeros((2, 1, 1)))).max() <= 0.02


def test_displaced_maps_are_those_of_scipy(noise):
    drawn = maps(True)
    field = np.random.default_rng(2).normal(0, 3, (2, 6, 20, 28)).astype("float32")
    found = warps.displaced(tf.constant(noise), Affine(*tf.constant(drawn.T)), field).numpy()
    for number, image in enumerate(noise):
        expected = reference(image, drawn[number], field[:, number])
        assert np.abs(found[number] - expected).max() <= 0.02


def test_a_field_is_smoothed_by_a_gaussian():
    shape = tf.constant([2, 28, 20])
    field = warps.displacement(shape, KEY, 0.5, alpha=30, sigma=2).numpy()
    drawn = tf.random.stateless_uniform([2, 2, 28, 20], KEY, -1.0, 1.0).numpy()
    for axis in range(2):
        for number in range(2):
            expected = 15 * ndimage.gaussian_filter(
                drawn[axis, number].astype("float64"), 2, mode="constant", truncate=14
            )
            assert np.abs(field[axis, number] - expected).max() <= 5e-3


def test_maps_compose():
    first, second = (Affine(*row) for row in maps(True)[:2])
    both = second.after(first)
    x, y = 3.0, -2.0
    middle = first.a * x + first.b * y + first.c, first.d * x + first.e * y + first.f
    for row, whole in (((0, 1, 2), both[:3]), ((3, 4, 5), both[3:])):
        once = second[row[0]] * middle[0] + second[row[1]] * middle[1] + second[row[2]]
        assert whole[0] * x + whole[1] * y + whole[2] == pytest.approx(once, rel=1e-5)


def test_neighbours_equal_one_after_the_other(noise):
    operations = parse("shift(3) | flip(1) | shift(2) | flip")
    keys = [tf.constant([0, number]) for number in range(4)]
    padded = tf.pad(tf.constant(noise), [[0, 0], [6, 6], [6, 6]])  # so that nothing falls off
    together = warps.warp(padded, operations, keys, 1.0)
    apart = padded
    for operation, key in zip(operations, keys, strict=True):
        apart = warps.warp(apart, [operation], [key], 1.0)
    assert np.array_equal(together, apart)
    assert not np.array_equal(together, padded)


def drawn(text, strength=1.0):
    return warps.draw(parse(text)[0], COUNT, KEY, strength)


def test_shift_takes_each_whole_number_equally_often():
    for strength, reach in ((1.0, 3), (0.5, 1), (0.0, 0)):
        for moved in (drawn("shift(3)", strength).c, drawn("shift(3)", strength).f):
            values, counts = np.unique(moved, return_counts=True)
            assert values.tolist() == list(range(-reach, reach + 1))
            share = 1 / len(values)
            error = 5 * np.sqrt(COUNT * share * (1 - share))
            assert np.abs(counts - COUNT * share).max() <= error


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_draws_fill_their_range(strength):
    assert np.mean(drawn("flip(0.4)", strength).a == -1) == pytest.approx(
        0.4 * strength, abs=5 * np.sqrt(0.24 / COUNT)
    )
    found = {
        "translate(2)": drawn("translate(2)", strength).c / 2,
        "rotate(30)": tf.math.asin(drawn("rotate(30)", strength).d) / np.radians(30),
        "zoom(0.2)": (1 / drawn("zoom(0.2)", strength).a - 1) / 0.2,
        "shear(30)": tf.math.atan(drawn("shear(30)", strength).b) / np.radians(30),
    }
    for text, values in found.items():
        edges = np.array([np.min(values), np.max(values)])
        assert edges == pytest.approx([-strength, strength], abs=2e-3), text
        assert np.std(values) == pytest.approx(strength / np.sqrt(3), rel=0.02), text


def test_erased_rectangles_are_what_was_drawn(noise):
    shape = tf.constant([COUNT, 28, 28])
    top, bottom, left, right = pixels.erase_box(shape, KEY, 0.3, 0.05, 0.2).numpy()
    assert min(top.min(), left.min()) >= 0
    assert max(bottom.max(), right.max()) <= 28
    areas = ((bottom - top) * (right - left))[bottom > top] / 784
    assert len(areas) / COUNT == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / COUNT))
    assert 0.04 < areas.min() < 0.06 < 0.18 < areas.max() < 0.24
    box = pixels.erase_box(tf.constant(noise.shape), KEY, 1.0, 0.05, 0.2).numpy().astype(int)
    found = pixels.erase(tf.constant(noise), KEY, 1.0, p=1, low=0.05, high=0.2, fill=7).numpy()
    for image, (a, b, c, d), result in zip(noise, box.T, found, strict=True):
        expected = image.copy()
        expected[a:b, c:d] = 7
        assert np.array_equal(result, expected)


def test_cutout_is_a_square_that_may_leave_the_image(noise):
    found = pixels.cutout(tf.ones((COUNT, 28, 28)), KEY, 0.5, size=6, p=0.5).numpy()
    areas = 784 - found.sum(axis=(1, 2))
    assert np.mean(areas > 0) == pytest.approx(0.25, abs=5 * np.sqrt(0.19 / COUNT))
    assert (areas[areas > 0].min(), areas.max()) == (9, 36)
    rows = (found[areas == 36] == 0).any(axis=2).sum(axis=1)
    assert (rows == 6).all()


def test_pixels_change_as_numpy_says(noise):
    drawn = tf.random.stateless_normal(noise.shape, KEY).numpy()
    expected = np.clip(noise + drawn * 255 * 0.1 * 0.5, 0, 255)
    assert np.abs(pixels.noise(noise, KEY, 0.5, std=0.1) - expected).max() <= 1e-3
    drawn = tf.random.stateless_uniform([len(noise), 1, 1], KEY, -1.0, 1.0).numpy()
    expected = np.clip(noise + drawn * 255 * 0.2 * 0.5, 0, 255)
    assert np.abs(pixels.brightness(noise, KEY, 0.5, amount=0.2) - expected).max() <= 1e-3
    mean = noise.mean(axis=(1, 2), keepdims=True)
    expected = np.clip(mean + (noise - mean) * (1 + drawn * 0.9 * 0.5), 0, 255)
    assert np.abs(pixels.contrast(noise, KEY, 0.5, amount=0.9) - expected).max() <= 1e-3


@pytest.mark.parametrize("text", ["mixup(0.4)", "cutmix(1, 0.5)", "either(mixup, cutmix)"])
def test_images_and_labels_mix_by_the_same_weights(noise, text):
    labels = np.eye(6, dtype="float32")
    (operation,) = parse(text)
    kept = mixing.weights(tf.constant(noise.shape), operation, KEY, 1.0).numpy()
    found, mixed = mixing.mix(tf.constant(noise), tf.constant(labels), operation, KEY, 1.0)
    for number, weight in enumerate(kept):
        partner = 5 - number
        expected = weight * noise[number] + (1 - weight) * noise[partner]
        assert np.abs(found[number] - expected).max() <= 1e-3
        share = weight.mean()
        expected = share * labels[number] + (1 - share) * labels[partner]
        assert np.abs(mixed[number] - expected).max() <= 1e-6


def weights(text, strength=1.0):
    return mixing.weights(tf.constant([5000, 28, 28]), parse(text)[0], KEY, strength).numpy()


def test_cutmix_weights_are_rectangles_and_mixup_weights_are_even():
    kept = weights("cutmix")
    assert set(np.unique(kept)) == {0.0, 1.0}
    pasted = kept == 0
    bounds = pasted.any(axis=2).sum(axis=1) * pasted.any(axis=1).sum(axis=1)
    assert np.array_equal(pasted.sum(axis=(1, 2)), bounds)
    assert weights("mixup").shape == (5000, 1, 1)
    apart = weights("either(mixup, cutmix, 0.3)")
    even = (apart == apart[:, :1, :1]).all(axis=(1, 2)) & (apart[:, 0, 0] % 1 != 0)
    assert even.mean() == pytest.approx(0.3, abs=0.06)  # some shares round to 0 or 1
    half = (weights("cutmix(1, 0.5)", 0.5) == 0).any(axis=(1, 2)).mean()
    always = (kept == 0).any(axis=(1, 2)).mean()
    assert half / always == pytest.approx(0.25, abs=5 * np.sqrt(0.19 / 5000))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_of_the_beta_distribution(alpha):
    drawn = mixing.beta(tf.constant([COUNT]), alpha, KEY).numpy().astype("float64")
    variance = 1 / (4 * (2 * alpha + 1))
    assert drawn.mean() == pytest.approx(0.5, abs=5 * np.sqrt(variance / COUNT))
    assert drawn.var() == pytest.approx(variance, rel=0.05)
