"""Single operations against slow plain references."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from fashion_zoo.augment import pixels, warps
from fashion_zoo.augment.policies import parse
from fashion_zoo.augment.warps import Affine

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


def test_a_flip_and_a_shift_of_columns_leave_the_rows_as_they_are(noise):
    operations = parse("flip")
    made = tf.function(lambda images: warps.warp(images, operations, [tf.constant([1, 2])], 1.0))
    graph = made.get_concrete_function(tf.constant(noise)).graph
    assert [one.type for one in graph.get_operations()].count("BatchMatMulV2") == 1
    columns = Affine(c=tf.constant([1.0] * len(noise)))
    whole = Affine(*(tf.constant([float(one)] * len(noise)) for one in columns._replace(c=1.0)))
    found = warps.stretched(tf.constant(noise), columns).numpy()
    assert np.array_equal(found, warps.stretched(tf.constant(noise), whole).numpy())


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
    moved = drawn("translate(1)", 1.0)
    two = [one.numpy().astype("float64") for one in (moved.c, moved.f)]
    assert abs(np.corrcoef(*two)[0, 1]) < 5 / np.sqrt(COUNT)
    for values in two:
        assert [values.min(), values.max()] == pytest.approx([-1, 1], abs=2e-3)
        assert np.std(values) == pytest.approx(1 / np.sqrt(3), rel=0.02)
    x, y = (strength * values for values in two)
    angle, scale = np.radians(30) * x, 1 / (1 + 0.2 * x)
    expected = {
        "flip(0)": (1, 0, 0, 0, 1, 0),
        "translate(2)": (1, 0, 2 * x, 0, 1, 2 * y),
        "rotate(30)": (np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0),
        "zoom(0.2)": (scale, 0, 0, 0, scale, 0),
        "shear(30)": (1, np.tan(angle), 0, 0, 1, 0),
    }
    for text, fields in expected.items():
        for found, field in zip(drawn(text, strength), fields, strict=True):
            assert np.abs(found - field).max() <= 1e-6, text


def test_erased_rectangles_are_what_was_drawn(noise):
    shape = tf.constant([COUNT, 28, 28])
    top, bottom, left, right = pixels.erase_box(shape, KEY, 0.3, 0.05, 0.2).numpy()
    assert min(top.min(), left.min()) >= 0
    assert max(bottom.max(), right.max()) <= 28
    areas = ((bottom - top) * (right - left))[bottom > top] / 784
    assert len(areas) / COUNT == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / COUNT))
    assert 0.04 < areas.min() < 0.06 < 0.18 < areas.max() < 0.24
    ratios = ((bottom - top) / (right - left))[bottom > top]
    assert 1 / 4 < ratios.min() < 1 / 3 < 3 < ratios.max() < 4  # sides are whole numbers
    assert abs(np.log(ratios).mean()) < 0.03
    for first, last in ((top, bottom), (left, right)):
        centres = ((first + last) / 2)[bottom > top]
        assert centres.mean() == pytest.approx(14, abs=0.3)
        assert first[bottom > top].min() == 0
        assert last[bottom > top].max() == 28
    box = pixels.erase_box(tf.constant(noise.shape), KEY, 1.0, 0.05, 0.2).numpy().astype(int)
    found = pixels.erase(tf.constant(noise), KEY, 1.0, p=1, low=0.05, high=0.2, fill=7).numpy()
    for image, (a, b, c, d), result in zip(noise, box.T, found, strict=True):
        expected = image.copy()
        expected[a:b, c:d] = 7
        assert np.array_equal(result, expected)


def test_an_erased_area_is_uniform_however_large():
    box = pixels.erase_box(tf.constant([COUNT, 28, 28]), KEY, 1.0, 0.1, 1.0).numpy()
    top, bottom, left, right = box
    areas = (bottom - top) * (right - left) / 784
    assert areas.mean() == pytest.approx(0.55, abs=5 * 0.9 / np.sqrt(12 * COUNT))
    assert np.quantile(areas, [0.1, 0.9]) == pytest.approx([0.19, 0.91], abs=0.02)


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
    kept = pixels.weights(tf.constant(noise.shape), operation, KEY, 1.0).numpy()
    found, mixed = pixels.mix(tf.constant(noise), tf.constant(labels), operation, KEY, 1.0)
    for number, weight in enumerate(kept):
        partner = 5 - number
        expected = weight * noise[number] + (1 - weight) * noise[partner]
        assert np.abs(found[number] - expected).max() <= 1e-3
        share = weight.mean()
        expected = share * labels[number] + (1 - share) * labels[partner]
        assert np.abs(mixed[number] - expected).max() <= 1e-6


def weights(text, strength=1.0):
    return pixels.weights(tf.constant([5000, 28, 28]), parse(text)[0], KEY, strength).numpy()


def test_a_pasted_rectangle_has_the_area_that_was_drawn():
    lam, centre = (tf.constant(x, shape=(2, 1, 1)) for x in ([0.75, 0.75], [0.5, 0.0]))
    kept = pixels._outside(tf.constant([2, 28, 20]), lam, centre, centre).numpy()
    expected = np.ones((2, 28, 20))
    expected[0, 7:21, 5:15] = 0  # half of each side is a quarter of the area
    expected[1, :7, :5] = 0  # what lies outside is cut off
    assert np.array_equal(kept, expected)


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
    drawn = pixels.beta(tf.constant([COUNT]), alpha, KEY).numpy().astype("float64")
    variance = 1 / (4 * (2 * alpha + 1))
    assert drawn.mean() == pytest.approx(0.5, abs=5 * np.sqrt(variance / COUNT))
    assert drawn.var() == pytest.approx(variance, rel=0.05)
