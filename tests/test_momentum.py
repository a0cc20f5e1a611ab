"""A momentum that a schedule moves."""

import keras
import numpy as np
import pytest
from fitting import fit_recipe
from resuming import assert_same, stopped, train

from fashion_zoo import ConfigError, override, recipe
from fashion_zoo.optimizers import WORDS, TabulatedSchedule, build_optimizer, last_step, to_keras
from fashion_zoo.training.plan import plan

MOVING = np.array([0.9, 0.5, 0.0, 0.8, 0.95], "float32")
RATES = np.array([0.1, 0.2, 0.05, 0.1, 0.1], "float32")
OPTIONS = {
    "model": {"hidden_units": (8,)},
    "data": {"limit": 300},
    "training": {
        "epochs": 3,
        "batch_size": 100,
        "schedules": {"momentum": "join([cosine(1, 0.9), cosine(0.9, 1)], [0.25])"},
    },
}


def gradients(seed=0):
    return np.random.default_rng(seed).normal(size=(5, 3))


def adam(weight, decay=0.0):
    """Kingma & Ba's algorithm 1 with another beta_1 in each step, in float64."""
    m = v = 0.0
    for step, (g, rate, beta) in enumerate(zip(gradients(), RATES, MOVING, strict=True), 1):
        weight = weight - rate * decay * weight
        m, v = beta * m + (1 - beta) * g, 0.999 * v + 0.001 * g**2
        corrected = m / (1 - beta**step), v / (1 - 0.999**step)
        weight = weight - rate * corrected[0] / np.sqrt(corrected[1])
    return weight


def sgd(weight, nesterov):
    m = 0.0
    for g, rate, momentum in zip(gradients(), RATES, MOVING, strict=True):
        m = momentum * m - rate * g
        weight = weight + (momentum * m - rate * g if nesterov else m)
    return weight


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("adam(epsilon=1e-12)", adam),
        ("adamw(epsilon=1e-12)", lambda weight: adam(weight, 0.1)),
        ("sgd", lambda weight: sgd(weight, True)),
        ("sgd(nesterov=False)", lambda weight: sgd(weight, False)),
    ],
)
def test_a_moving_momentum_is_that_of_the_formula(word, expected, scaled):
    chosen = WORDS.parse(word)
    decay = {"weight_decay": 0.1} if chosen.decays else {}
    made = build_optimizer(chosen, learning_rate=RATES, momentum=MOVING, scale_loss=scaled, **decay)
    start = np.array([1.0, -2.0, 0.5])
    weight = keras.Variable(start, dtype="float32", name="kernel")
    made.build([weight])
    scale = made.dynamic_scale if scaled else 1.0
    for step, gradient in enumerate(gradients()):
        made.apply([scale * keras.ops.convert_to_tensor(gradient, "float32")], [weight])
        assert last_step(made)["momentum"] == MOVING[step]
    assert keras.ops.convert_to_numpy(weight) == pytest.approx(expected(start), rel=2e-5)
    plain = getattr(to_keras(made), "inner_optimizer", to_keras(made))
    assert type(plain).__module__.startswith("keras.")
    assert (plain.momentum if "sgd" in word else plain.beta_1) == pytest.approx(0.95)


def test_a_constant_schedule_makes_no_table():
    config = override(recipe("baseline_mlp").config, {"training": {"epochs": 1, "batch_size": 100}})
    assert "momentum" not in plan(config, [30] * 10).tables
    moved = override(config, {"training": {"schedules": {"momentum": "linear(1, 1)"}}})
    assert plan(moved, [30] * 10).tables["momentum"].tolist() == [np.float32(0.9)] * 3


@pytest.mark.slow
def test_a_constant_table_of_the_momentum_changes_nothing_in_a_training():
    still = override(recipe("baseline_mlp").config, {**OPTIONS, "training": {"schedules": {}}})
    still = override(still, {"training": {"epochs": 1, "batch_size": 100}})
    same = override(still, {"training": {"schedules": {"momentum": "linear(1, 1)"}}})
    model, rows = fit_recipe("baseline_mlp", still)
    other, moved = fit_recipe("baseline_mlp", same)
    assert moved == [{**row, "momentum": pytest.approx(0.9)} for row in rows]
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        assert one == pytest.approx(two, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam(beta_1=0.95)", "adamw", "sgd"])
def test_a_moving_momentum_is_resumed_and_logged(tmp_path, monkeypatch, optimizer):
    options = {**OPTIONS, "training": {**OPTIONS["training"], "optimizer": optimizer}}
    whole = train(tmp_path / "whole", **options)
    stopped(tmp_path / "r", 2, monkeypatch, **options)
    assert_same(train(tmp_path / "r", resume=True), whole)
    base = WORDS.parse(optimizer).momentum
    assert whole.history()["momentum"][-1] == pytest.approx(base)
    assert min(whole.history()["momentum"]) < base
    saved = whole.load_model().optimizer.get_config()
    assert saved.get("beta_1", saved.get("momentum")) == pytest.approx(base)


def test_a_momentum_that_cannot_move_is_refused():
    config = override(recipe("baseline_mlp").config, OPTIONS)
    with pytest.raises(
        ConfigError, match=r"no momentum that can move\. That of adam, adamw, lookahead and sgd can"
    ):
        override(config, {"training": {"optimizer": "sgd(momentum=0)"}})
    with pytest.raises(ConfigError, match=r"takes momentum to 1\.8; it must stay below 1"):
        override(config, {"training": {"schedules": {"momentum": "linear(2, 0)"}}})
    assert TabulatedSchedule([0.5]).factor is None
