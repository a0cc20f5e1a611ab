import math
import random

import numpy as np
import pytest
from resuming import assert_same
from scipy.special import log_softmax
from test_own_data import three_classes

import fashion_zoo
from fashion_zoo import ConfigError, TrainingError, override, recipe
from fashion_zoo.data import load, long_tail
from fashion_zoo.data.batches import balanced_order
from fashion_zoo.training import lr_finder
from fashion_zoo.training.fit import build_model
from fashion_zoo.training.lr_finder import smooth, suggest
from fashion_zoo.training.plan import plan

RATES = np.geomspace(1e-6, 10, 701)
LOG = np.log10(RATES)


def test_a_loss_that_is_not_finite_at_once_names_the_first_rate(monkeypatch):
    from fashion_zoo.training import lr_finder

    monkeypatch.setattr(lr_finder, "_sweep", lambda *_: np.array([]))
    with pytest.raises(TrainingError, match=r"at a learning rate of 1e-06, 0 steps from the start"):
        fashion_zoo.find_lr("bn_mlp", seeds=1, steps=20)


def test_the_four_rules_on_a_curve_that_is_known():
    # falls as a logistic around 1e-3, and rises as a parabola after 1e-1
    curve = 2 - 1 / (1 + np.exp(-4 * (LOG + 3))) + np.maximum(LOG + 1, 0) ** 2
    found = suggest(RATES, curve)
    assert found["steepest"] == pytest.approx(1e-3, rel=0.02)
    lowest = RATES[np.argmin(curve)]
    assert found["minimum"] == pytest.approx(lowest / 10)
    # it falls without a break from the start to the minimum
    start, end = math.log10(RATES[0]), math.log10(lowest)
    assert math.log10(found["valley"]) == pytest.approx(start + 2 / 3 * (end - start), abs=0.01)
    # a logistic's slope is a tenth of the steepest where s (1 - s) = 1 / 40
    s = (1 + math.sqrt(1 - 4 / 40)) / 2
    assert math.log10(found["slide"]) == pytest.approx(-3 + math.log(s / (1 - s)) / 4, abs=0.02)


def test_the_valley_is_the_longest_fall_without_a_break():
    losses = np.array([5.0, 4.0, 4.5, 4.4, 4.3, 4.2, 4.6, 1.0, 0.9])
    rates = np.arange(1.0, 10.0)
    assert suggest(rates, losses)["valley"] == rates[4]  # 2 to 5, two thirds along


def test_smoothing_keeps_a_line_in_the_middle_and_does_not_lag():
    line = np.arange(200.0)
    assert smooth(line, 200)[50:150] == pytest.approx(line[50:150])
    assert smooth(np.ones(50), 200) == pytest.approx(np.ones(50))
    peak = np.zeros(201)
    peak[100] = 1
    assert np.argmax(smooth(peak, 200)) == 100


SWEEP = {"seeds": 2, "steps": 30, "low": 1e-4, "high": 1.0}


def test_a_sweep_is_repeatable_and_leaves_a_picture(tmp_path, small):
    first = fashion_zoo.find_lr("bn_mlp", to=tmp_path / "a.png", **SWEEP, **small)
    second = fashion_zoo.find_lr("bn_mlp", **{**SWEEP, "seeds": 1}, **small)
    assert np.array_equal(first.losses[:1], second.losses, equal_nan=True)
    assert first.losses.shape == first.smoothed.shape == (2, 30)
    assert first.rates[[0, -1]] == pytest.approx([1e-4, 1.0])
    assert not np.array_equal(first.losses[0], first.losses[1])  # another seed
    assert set(first.suggestions) == {"steepest", "valley", "minimum", "slide"}
    for one in first.suggestions.values():
        assert one.low * 0.999 <= one.rate <= one.high * 1.001  # equal ones, up to rounding
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert first.smoothed[:, 15].mean() < first.smoothed[:, 0].mean()


@pytest.mark.slow
def test_training_after_it_is_the_same_as_without_it(tmp_path, small):
    def train(name):
        options = {"evaluate": False, "export": False, **small}
        return fashion_zoo.train("bn_mlp", run_dir=tmp_path / name, **options).run

    without = train("without")
    python, numpy = random.getstate(), np.random.get_state()
    fashion_zoo.find_lr("bn_mlp", **SWEEP, **small)
    assert random.getstate() == python
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy, strict=True))
    assert_same(train("after"), without)


@pytest.mark.slow
def test_divergence_ends_a_sweep_and_too_early_is_an_error(small):
    found = fashion_zoo.find_lr("baseline_mlp", **{**SWEEP, "high": 1e6}, **small)
    cut = np.isnan(found.losses).argmax(axis=1)
    assert (cut >= 10).all()
    assert all(one.high < found.rates[cut.max()] for one in found.suggestions.values())
    sgd = {**small, "training": {**small["training"], "optimizer": "sgd"}}
    with pytest.raises(TrainingError, match=r"The loss diverged at .* Begin lower, with low="):
        fashion_zoo.find_lr("baseline_mlp", seeds=1, steps=20, low=1e5, high=1e9, **sgd)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 5}, "steps must be a whole number of at least 20"),
        ({"low": 1.0, "high": 0.1}, "low must be below high, received 1 and 0.1"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1"),
        ({"to": "a.docx"}, "The picture must end in one of"),
    ],
)
def test_what_cannot_be_swept_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        fashion_zoo.find_lr("bn_mlp", **options)


def test_a_sweep_has_the_loss_and_the_batches_of_its_training():
    data, entry = long_tail(load(three_classes()), 4), recipe("baseline_mlp")
    model = {"hidden_units": (8,), "num_classes": 3, "input_shape": (8, 8)}
    training = {"batch_size": 16, "loss": "focal", "sampling": "balanced"}
    config = override(entry.config, {"model": model, "training": training, "seed": 3})
    rates = np.geomspace(1e-6, 1e-5, 2)
    first, _ = lr_finder._sweep(entry, config, data, rates, lambda done: None, 0)
    rows = balanced_order(data.train.labels, 16, 3, 0)[0]
    net = build_model(entry, config.model, plan(config))
    likelihoods = log_softmax(np.asarray(net(data.train.images[rows])), axis=1)
    own = likelihoods[np.arange(16), data.train.labels[rows]]
    assert first == pytest.approx(np.mean(-((1 - np.exp(own)) ** 2) * own), rel=1e-5)


@pytest.mark.slow
def test_a_step_of_a_sweep_is_an_update_of_its_training():
    """Which takes several batches where gradients are accumulated."""
    data, entry = load(three_classes()), recipe("baseline_mlp")
    model = {"hidden_units": (8,), "num_classes": 3, "input_shape": (8, 8)}
    swept = []
    for batch, parts in ((24, 1), (8, 3)):
        training = {"batch_size": batch, "accumulation": parts}
        config = override(entry.config, {"model": model, "training": training})
        seen = []
        rates = np.geomspace(1e-3, 1e-2, 9)
        swept.append(lr_finder._sweep(entry, config, data, rates, seen.append, 0))
        assert seen == [*range(1, 10)]
    assert swept[1] == pytest.approx(swept[0], rel=1e-5)
    assert swept[0][-1] < swept[0][0]
