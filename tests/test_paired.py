"""The tests behind a verdict: how often they call what is equal different, and find what differs.

Every simulation has 20,000 comparisons and a fixed seed; the standard error of a rate of 5 % is
then 0.15 points.
"""

import numpy as np
import pytest

from fashion_zoo.evaluation import paired
from recipes.experiments import comparing

COUNT = 20_000
LEVEL = 0.05
RESIDUALS, SPREAD = comparing.residuals(), comparing.spread()


def normal(generator, shape):
    return generator.normal(0, SPREAD, shape)


def resampled(generator, shape):
    return generator.choice(RESIDUALS, shape)


def called(differences):
    """The rate of comparisons that are called different."""
    return float(comparing.called(differences).mean())


def test_the_measured_spread_of_seeds_is_that_of_whole_trainings():
    assert 0.0005 < SPREAD < 0.0025
    assert len(RESIDUALS) > 60


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize(("draw", "least", "most"), [(normal, 0.045, 0.055), (resampled, 0, 0.065)])
def test_what_is_equal_is_called_different_as_often_as_the_level_says(seeds, draw, least, most):
    generator = np.random.default_rng(seeds)
    first, second = draw(generator, (COUNT, seeds)), draw(generator, (COUNT, seeds))
    assert least <= called(first - second) <= most


@pytest.mark.parametrize("draw", [normal, resampled])
@pytest.mark.parametrize("arms", [2, 10])
def test_of_families_of_equal_arms_as_few_have_any_that_is_called_different(draw, arms):
    values = draw(np.random.default_rng(arms), (COUNT, arms + 1, 5))
    p = paired.over_seeds(values[:, 1:] - values[:, :1]).p_value()
    rate = (p <= paired.holm(p)).any(axis=-1).mean()
    assert 0.03 < rate <= 0.055
    assert arms == 2 or (p <= LEVEL).any(axis=-1).mean() > 0.2, "which no correction would call"


def right(generator, count, seeds, images, apart):
    """Which images two trainings that are equally accurate on all such images classify correctly.

    Each image is one of the population, with a difficulty of its own; ``apart`` is how much the
    images differ in which of the two finds them easier.
    """
    ease = generator.normal(2, 1.5, (count, 1, images)).astype("float32")
    taste = generator.normal(0, 1, (count, 1, images)).astype("float32") * apart
    draws = [generator.random((count, seeds, images), dtype="float32") for _ in range(2)]
    logits = [ease + taste, ease - taste]
    return [draw < 1 / (1 + np.exp(-logit)) for draw, logit in zip(draws, logits, strict=True)]


@pytest.mark.parametrize(("seeds", "apart", "seeds_alone"), [(3, 0.0, 0.0), (5, 1.0, 0.09)])
def test_with_other_test_images_in_mind_as_few_are_called_different(seeds, apart, seeds_alone):
    generator, calls, alone = np.random.default_rng(seeds), [], []
    for _ in range(20):
        found = paired.over_images(*right(generator, COUNT // 20, seeds, 100, apart))
        calls.append((found.p_value() <= LEVEL).mean())
        alone.append((found._replace(by_image=0.0).p_value() <= LEVEL).mean())
    assert np.mean(calls) <= 0.055
    assert np.mean(alone) > seeds_alone, "to which the choice of the images is no chance"


@pytest.mark.parametrize("draw", [normal, resampled])
def test_a_difference_of_0_3_points_is_found_as_often_as_is_stated(draw):
    generator = np.random.default_rng(0)
    deviation = SPREAD * np.sqrt(2)
    first, second = draw(generator, (COUNT, 10)), draw(generator, (COUNT, 10))
    assert abs(called(first - second + 0.003) - paired.power(0.003, deviation, 10)) <= 0.03
    smaller = called(first - second + 0.0015)  # where it is not nearly always found
    assert 0.3 < smaller < 0.95
    assert abs(smaller - paired.power(0.0015, deviation, 10)) <= 0.03


def test_the_stated_number_of_seeds_is_the_smallest_that_suffices():
    needed = paired.seeds_for([0.001], 0.002)
    assert needed == 34
    assert paired.power(0.001, 0.002, 34) >= 0.8 > paired.power(0.001, 0.002, 33)
    assert paired.seeds_for([0.0], 0.002) is None
    assert paired.power(0.0, 0.002, 5) == pytest.approx(0.05)


def test_the_stated_number_of_seeds_settles_that_a_difference_is_the_same():
    """A mean between two limits is told from both of them."""
    needed = paired.seeds_for([0.005, 0.005], 0.008, chance=0.8)
    found = paired.over_seeds(np.random.default_rng(0).normal(0, 0.008, (COUNT, needed)))
    settled = (np.abs(found.mean) < 0.005) & (
        np.maximum(found.p_value(0.005), found.p_value(-0.005)) <= LEVEL
    )
    assert 0.8 <= settled.mean() < 0.82


def test_a_paired_test_is_students():
    from scipy.stats import ttest_1samp

    values = [0.001, 0.003, -0.002, 0.004]
    found, known = paired.over_seeds(values), ttest_1samp(values, 0.0005)
    assert float(found.p_value(0.0005)) == pytest.approx(known.pvalue)
    half = float(found.half_width(0.05))
    ends = ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.mean - half, found.mean + half) == pytest.approx((ends.low, ends.high))
    assert float(found.p_value(found.mean + half)) == pytest.approx(0.05)


def test_differences_that_are_all_equal_leave_no_doubt_but_for_those_of_two_seeds():
    found = paired.over_seeds([0.01 + 0.002, 0.012, 0.003 * 4])
    assert float(found.by_seed) == 0
    assert float(found.p_value()) == 0
    assert float(found.p_value(0.012)) == 1
    assert float(paired.over_seeds([0.012, 0.012]).p_value()) == 1
    rounded = [0.8501 - 0.85, 0.8504 - 0.8503]  # one image of 10,000
    assert rounded[0] != rounded[1]
    assert float(paired.over_seeds(rounded).p_value()) == 1
    right = np.zeros((3, 200), "bool")
    right[:, :3] = True  # the same three images
    over = paired.over_images(right, np.zeros_like(right))
    assert float(over.by_seed) == 0
    assert float(over.p_value()) == pytest.approx(0.0817, abs=1e-4)  # z = 0.015 / 0.0086166
    two = paired.over_images(right[:2], np.zeros_like(right[:2]))
    assert float(two.p_value()) == 1


def test_the_variance_of_seeds_and_images_is_that_of_the_analysis_of_variance():
    generator = np.random.default_rng(0)
    first, second = generator.random((2, 4, 30)) < 0.8
    d = first.astype(float) - second
    by_seed, by_image = d.mean(axis=1, keepdims=True), d.mean(axis=0, keepdims=True)
    residual = np.square(d - by_seed - by_image + d.mean()).sum() / (3 * 29)
    added = by_image.var(ddof=1) / 30 - residual / (4 * 30)
    found = paired.over_images(first, second)
    assert float(found.by_image) == pytest.approx(max(added, 0), abs=1e-15)
    wide = found._replace(by_image=1e-3)
    p = float(wide.p_value(0.2))
    assert float(wide.half_width(p)) == pytest.approx(abs(0.2 - float(found.mean)))
    assert wide.half_width(0.05) > found._replace(by_image=0.0).half_width(0.05)


def test_holm_tests_the_smallest_p_value_at_the_strictest_level():
    p = np.array([0.04, 0.01, 0.3, 0.016])
    assert paired.holm(p).tolist() == pytest.approx([0.025, 0.0125, 0.025, 0.05 / 3])
    assert (p <= paired.holm(p)).tolist() == [False, True, False, True]
    # 0.03 > 0.05 / 2, so it ends there, though 0.04 is below 0.05
    assert paired.holm([[0.04, 0.03], [0.001, 0.04]]).tolist() == [[0.025, 0.025], [0.025, 0.05]]


def test_what_is_correct_is_kept_as_text():
    bits = np.random.default_rng(0).random(1001) < 0.9
    text = paired.packed(bits, "0123456789abcdef")
    digest, again = paired.unpacked(text)
    assert (digest, again.tolist()) == ("0123456789ab", bits.tolist())
    assert "," not in text
    for wrong in ("", "a:b", "a:3:AAAA", "a:x:AA=="):
        with pytest.raises(ValueError, match=r"."):
            paired.unpacked(wrong)
