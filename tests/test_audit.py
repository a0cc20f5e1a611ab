"""What an audit finds by looking at pixels: faults that are planted, and only those."""

import numpy as np
import pytest

import fashion_zoo
from fashion_zoo.auditing import copies, facts, neighbours
from fashion_zoo.auditing.collection import gather
from fashion_zoo.auditing.looking import look
from recipes.experiments.audit import shift


@pytest.fixture(scope="module")
def planted(images):
    """160 training and 40 test images with faults: arrays as ``audit`` takes them."""
    x, y = images.images.copy(), images.labels.copy()
    x[10], y[10] = x[3], y[3]
    x[11], y[11] = x[4], (y[4] + 1) % 10  # equal, with another label
    x[20], y[20] = shift(x[5], 2, -1), y[5]
    x[21], y[21] = shift(x[6], -3, 3), y[6]
    x[30] = 255 - x[30]
    x[40], x[41] = 0, 9
    x[160], y[160] = x[7], y[7]
    x[161], y[161] = shift(x[8], 0, 1), y[8]
    x[162] = 255 - x[162]
    x[163] = 200
    return x[:160], y[:160], x[160:], y[160:]


@pytest.fixture(scope="module")
def found(planted, tmp_path_factory):
    to = tmp_path_factory.mktemp("audit") / "audit"
    return fashion_zoo.audit(planted, to=to, folds=0)


@pytest.mark.parametrize(
    ("kind", "train", "test"),
    [
        ("blank", [40, 41], [3]),
        ("duplicates", [7, 10, 11], [0]),
        ("near_duplicates", [8, 20, 21], [1]),
        ("inverted", [30], [2]),
        ("label_errors", [], []),
    ],
)
def test_what_is_planted_is_found_and_nothing_else(found, kind, train, test):
    assert found["lists"][kind] == {"train": train, "test": test}


def test_equal_images_with_two_labels_come_first(found):
    groups = found["found"]["duplicates"]
    assert [one["several_labels"] for one in groups] == [True, False, False]
    assert [image["position"] for image in groups[0]["images"]] == [4, 11]


def test_a_pair_says_by_how_much_it_is_shifted(found):
    pairs = {
        tuple(image["position"] for image in one["images"]): (one["difference"], one["shift"])
        for one in found["found"]["near_duplicates"]
    }
    assert pairs == {(5, 20): (0, [2, -1]), (6, 21): (0, [-3, 3]), (8, 1): (0, [0, 1])}


def test_counts_are_those_of_the_images(found, planted):
    parts = {name: part["images"] for name, part in found["parts"].items()}
    assert parts.pop("train") + parts.pop("validation") == 159
    assert parts == {"test": 40, "left out": 1}
    assert sum(found["parts"]["test"]["classes"].values()) == 40
    kept = np.delete(planted[0], 7, axis=0)  # a copy of a test image is not learned from
    assert found["pixels"]["mean"] == pytest.approx(kept.mean(), rel=1e-12)
    assert found["pixels"]["deviation"] == pytest.approx(kept.std(), rel=1e-12)
    assert (found["pixels"]["low"], found["pixels"]["high"]) == (0, 255)


def test_a_dead_pixel_is_one_that_never_changes():
    images = np.random.default_rng(0).integers(0, 256, (100, 4, 5), np.uint8)
    images[:, 1, 3] = 7
    data = fashion_zoo.data.load((images, np.arange(100) % 2))
    assert facts.facts(gather(data))["pixels"]["dead"] == [[1, 3]]
    colour = np.stack([images, images[::-1], images], axis=3)
    data = fashion_zoo.data.load((colour, np.arange(100) % 2))
    assert facts.facts(gather(data))["pixels"]["dead"] == [[1, 3]]


def test_images_of_a_source_without_a_test_set_are_each_there_once(images):
    data = fashion_zoo.data.load(tuple(images))
    collection = gather(data)
    assert sorted(collection.positions.tolist()) == list(range(200))
    assert np.array_equal(np.flatnonzero(collection.tested), np.sort(data.positions.test))


def test_excluded_images_are_not_audited_again(images, tmp_path):
    (tmp_path / "out.txt").write_text("0\n3\n")
    data = fashion_zoo.data.load(tuple(images), exclude=str(tmp_path / "out.txt"))
    left = set(range(200)) - set(gather(data).positions.tolist())
    assert left == {0, 3} - set(data.positions.test.tolist())


def test_a_descriptor_is_that_of_a_shifted_image_and_no_farther_than_the_pixels(images):
    small = np.zeros((200, 28, 28), np.uint8)
    small[:, 4:24, 4:24] = images.images[:, 4:24, 4:24]
    described = neighbours.spectra(small)
    moved = neighbours.spectra(np.stack([shift(one, 3, -2) for one in small]))
    assert np.abs(described - moved).max() < 1e-3
    power, whole = (described**2).sum(axis=1), (small.astype(float) ** 2).mean(axis=(1, 2))
    assert (power < whole).all()  # it has the low frequencies only
    assert (power / whole).mean() > 0.8
    distance = np.linalg.norm(described[:100] - described[100:], axis=1)
    difference = small[:100].astype(float) - small[100:]
    assert (distance <= np.sqrt((difference**2).mean(axis=(1, 2))) + 1e-3).all()


def test_neighbours_are_the_nearest_others_even_where_many_points_are_one():
    points = np.zeros((30, 2), np.float32)
    points[20:, 0] = np.arange(1, 11)
    distances, places = neighbours.nearest(points)
    assert distances.shape == (30, neighbours.COUNT)
    assert (places != np.arange(30)[:, None]).all()
    assert distances[:20].max() == 0
    assert distances[29].tolist() == pytest.approx(range(1, 11))


def test_far_out_is_three_interquartile_ranges_above_the_third_quartile():
    # of 0 to 8 and a tenth number: quartiles 2.25 and 6.75, limit 6.75 + 3 * 4.5 = 20.25
    assert not neighbours.far_out(np.r_[np.arange(9), 20.2]).any()
    assert neighbours.far_out(np.r_[np.arange(9), 20.3]).tolist() == [False] * 9 + [True]


def test_the_middle_of_an_image_is_found_in_any_shift(images):
    shifts = [(down, right) for down in range(-3, 4) for right in range(-3, 4) if (down, right)]
    shifts.remove((0, 0))
    for down, right in shifts:
        pair = np.stack([images.images[1], shift(images.images[1], down, right)])
        assert {0, 1} in [set(row) for row in copies.shifted_copies(pair).tolist()]
        differences, moved = copies.compare(pair, np.array([[0, 1]]))
        assert (differences.tolist(), moved.tolist()) == ([0], [[down, right]])


def test_colour_counts_where_shapes_are_the_same(images):
    grey = images.images[:40].copy()
    red, blue = (np.zeros((40, 28, 28, 3), np.uint8) for _ in range(2))
    red[..., 0], blue[..., 2] = grey, grey
    red[3] = 255 - red[3]  # a photograph may have any border
    both = fashion_zoo.data.load((np.concatenate([red, blue]), np.arange(80) % 4))
    found = look(gather(both))
    assert (found["near_duplicates"], found["inverted"]) == ([], [])


def test_a_light_ground_is_the_usual_one_where_most_images_have_it(images):
    x = 255 - images.images
    x[30] = images.images[30]
    data = fashion_zoo.data.load((x, images.labels))
    assert [one.where for one in look(gather(data))["inverted"]] == [(30,)]


def test_two_images_and_sixteen_pixels_are_enough():
    images = np.arange(4 * 16, dtype=np.uint8).reshape(4, 4, 4)
    data = fashion_zoo.data.load((images, np.arange(4) % 2, images[:1] + 1, [0]), validation=0.4)
    assert set(look(gather(data))) >= {"blank", "duplicates", "near_duplicates", "outliers"}
