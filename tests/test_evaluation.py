import json
import math

import numpy as np
import pytest
from scipy.special import expit

import fashion_zoo
from fashion_zoo.data import load
from fashion_zoo.evaluation import mean_interval, measure, sampled_interval, wilson
from fashion_zoo.evaluation.metrics.ece import confidence_bins
from fashion_zoo.evaluation.statistics import (
    DIFFERENCE,
    FRACTION,
    POSITIVE,
    standard_deviation,
)

NAMES = ("a", "b")


def test_wilson_is_the_textbook_interval():
    # Centre (p + z^2/2n) / (1 + z^2/n), half z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n)
    z, n, p = 1.959963984540054, 10_000, 0.9
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert wilson(9_000, n) == pytest.approx((centre - half, centre + half))
    assert wilson(0, 10).low == 0
    assert wilson(10, 10).high == 1


def test_the_interval_of_a_mean_is_students():
    low, high = mean_interval([1.0, 2.0, 3.0])
    half = 4.302652729911275 / math.sqrt(3)  # t at 0.975 with 2 degrees of freedom
    assert (low, high) == pytest.approx((2 - half, 2 + half))
    assert all(math.isnan(end) for end in mean_interval([1.0]))
    half = 6.964556734283272 / math.sqrt(3)  # t at 0.99
    assert mean_interval([1.0, 2.0, 3.0], level=0.98) == pytest.approx((2 - half, 2 + half))


@pytest.mark.parametrize(
    ("bounds", "values"),
    [
        (FRACTION, [0.4, 0.55]),
        (FRACTION, [0.0, 1.0]),
        (FRACTION, [0.999, 1.0, 1.0]),
        (DIFFERENCE, [-0.9, 0.7]),
        (DIFFERENCE, [0.0, 0.3, -0.1]),
        (POSITIVE, [1.0, 2.0]),
        (POSITIVE, [1e-9, 1e9]),
    ],
)
def test_an_interval_holds_its_mean_and_stays_where_its_values_can_be(bounds, values):
    low, high = mean_interval(values, bounds)
    assert bounds[0] <= low < sum(values) / len(values) < high <= bounds[1]


def test_a_bounded_interval_is_students_on_a_scale_without_bounds():
    z = 12.706204736174694 * 0.005 / (0.915 * 0.085)  # t at 0.975, 1 degree of freedom; delta rule
    logit = math.log(0.915 / 0.085)
    ends = (1 / (1 + math.exp(z - logit)), 1 / (1 + math.exp(-z - logit)))
    assert mean_interval([0.91, 0.92], FRACTION) == pytest.approx(ends)
    fisher = math.atanh(0.005)
    z = 12.706204736174694 * 0.005 / (1 - 0.005**2)
    ends = (math.tanh(fisher - z), math.tanh(fisher + z))
    assert mean_interval([0.01, 0.0], DIFFERENCE) == pytest.approx(ends)
    factor = math.exp(12.706204736174694 * 0.5 / 1.5)
    assert mean_interval([1.0, 2.0], POSITIVE) == pytest.approx((1.5 / factor, 1.5 * factor))


@pytest.mark.parametrize("bounds", [FRACTION, DIFFERENCE, POSITIVE])
def test_far_from_its_bounds_an_interval_is_students(bounds):
    values = [0.5001, 0.5002, 0.5003]
    assert mean_interval(values, bounds) == pytest.approx(mean_interval(values), rel=1e-6)
    assert mean_interval([0.5] * 3, bounds) == (0.5, 0.5)
    assert np.isnan(mean_interval([0.5] * 2, bounds)).all()
    assert mean_interval([1.0] * 3, bounds) == (1.0, 1.0)
    assert all(math.isnan(end) for end in mean_interval([0.5], bounds))


def test_the_spread_is_the_sample_standard_deviation():
    assert standard_deviation([1.0, 2.0, 3.0]) == 1
    assert standard_deviation([5.0]) == 0


def test_a_prediction_by_hand():
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]])
    found = measure(np.log(probabilities), np.array([0, 0, 1, 1]), NAMES)
    assert found["images"] == 4
    assert found["accuracy"]["value"] == 0.75
    expected = -(math.log(0.8) + math.log(0.6) + math.log(0.7) + math.log(0.1)) / 4
    assert found["nll"] == pytest.approx(expected)
    assert found["brier"] == pytest.approx((2 * 0.04 + 2 * 0.16 + 2 * 0.09 + 2 * 0.81) / 4)
    assert found["confusion"] == [[2, 0], [1, 1]]
    assert found["classes"][0] == {
        "name": "a", "precision": pytest.approx(2 / 3), "recall": 1.0,
        "f1": pytest.approx(0.8), "images": 2,
    }  # fmt: skip
    assert found["ece"] == pytest.approx((0.2 + 0.4 + 0.3 + 0.9) / 4)


def test_a_certain_mistake_costs_what_its_logits_say():
    found = measure(np.array([[1000.0, 0.0], [12.5, 0.0]]), np.array([1, 1]), NAMES)
    assert found["nll"] == pytest.approx((1000 + 12.5 + math.log1p(math.exp(-12.5))) / 2)


def test_a_bin_holds_its_upper_edge():
    bins = confidence_bins(np.array([1 / 15, 1.0, 0.5, 0.999]), np.array([1, 0, 1, 1], bool))
    assert [entry["count"] for entry in bins] == [1, *[0] * 6, 1, *[0] * 6, 2]
    assert bins[14]["accuracy"] == 0.5
    assert bins[14]["confidence"] == pytest.approx(0.9995)
    assert bins[3] == {
        "low": 3 / 15, "high": 4 / 15, "count": 0, "confidence": 0.0, "accuracy": 0.0,
        "accuracy_low": 0.0, "accuracy_high": 1.0,
    }  # fmt: skip
    assert (bins[14]["accuracy_low"], bins[14]["accuracy_high"]) == wilson(1, 2)


def test_perfect_calibration_has_no_error():
    found = measure(np.log([[0.8, 0.2]] * 10), np.array([0] * 8 + [1] * 2), NAMES)
    assert found["ece"] == pytest.approx(0)


def test_a_class_that_is_never_predicted_is_no_division_by_zero():
    found = measure(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 0]), NAMES)
    assert found["classes"][1]["precision"] == 0
    assert found["classes"][1]["recall"] == 0


def test_the_report_is_on_all_10000_test_images(trained):
    found = json.loads((trained.run.path / "evaluation.json").read_text())
    assert found == trained.evaluation
    assert found["images"] == 10_000
    test = load().test
    logits = trained.run.load_model().predict(test.images, batch_size=1000, verbose=0)
    correct = (logits.argmax(axis=1) == test.labels).sum()
    assert found["accuracy"]["value"] == correct / 10_000
    assert [row["name"] for row in found["classes"]] == list(load().class_names)
    assert np.array(found["confusion"]).sum(axis=1).tolist() == [1000] * 10
    assert np.trace(found["confusion"]) == correct


def test_evaluating_again_gives_the_same(trained):
    assert fashion_zoo.evaluate(trained.run.path) == trained.evaluation


def test_an_interval_over_seeds_and_images_is_the_formula_of_its_docstring():
    seeds = 12.706204736174694 * 0.005  # t at 0.975, 1 degree of freedom
    sampling = 1.959963984540054 * math.sqrt(0.895 * 0.105 / 1000)
    z = math.sqrt(seeds**2 + sampling**2) / (0.895 * 0.105)
    logit = math.log(0.895 / 0.105)
    ends = (1 / (1 + math.exp(z - logit)), 1 / (1 + math.exp(-z - logit)))
    assert sampled_interval([0.89, 0.90], 1000) == pytest.approx(ends)
    assert all(math.isnan(end) for end in sampled_interval([0.9], 1000))
    assert sampled_interval([1.0, 1.0], 100) == wilson(100, 100)


def test_of_many_images_or_of_equal_seeds_it_is_the_interval_of_one_source_alone():
    values = [0.8, 0.85, 0.82]
    many = sampled_interval(values, 10**9)
    assert many == pytest.approx(mean_interval(values, FRACTION), rel=1e-5)
    equal, alone = sampled_interval([0.9, 0.9, 0.9], 10_000), wilson(9_000, 10_000)
    assert equal == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize(("spread", "widest"), [(10, 1.25), (1.5, 2)], ids=["agree", "disagree"])
def test_it_holds_the_accuracy_of_other_seeds_and_images_as_often_as_it_says(spread, widest):
    """Seeds agree on most images if the logits of being right are spread widely."""
    draw, held = np.random.default_rng(0), {"both": 0, "seeds": 0}
    world, shifts = draw.normal(1.4 * spread, spread, 2000), draw.normal(0, spread / 30, 500)
    truth = expit(world[:, None] + shifts).mean()
    means, widths = [], []
    for _ in range(400):
        images = draw.choice(world, 500)
        right = draw.random((10, 500)) < expit(images + draw.choice(shifts, 10)[:, None])
        values = right.mean(axis=1).tolist()
        both, seeds = sampled_interval(values, 500), mean_interval(values, FRACTION)
        for name, ends in (("both", both), ("seeds", seeds)):
            held[name] += ends[0] <= truth <= ends[1]
        means.append(np.mean(values))
        widths.append(both.high - both.low)
    assert held["both"] >= 0.94 * 400
    assert held["seeds"] < 0.8 * 400
    assert 1 < np.mean(widths) / (2 * 1.96 * np.std(means)) < widest
