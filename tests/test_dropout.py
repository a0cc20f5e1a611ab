"""Dropout that moves: what a compiled step drops is what the schedule says."""

import math

import keras
import pytest
from dropping import BASES, EPOCHS, STEPS, assert_dropped, fit, model, step_rates

from fashion_zoo import ConfigError, schedules
from fashion_zoo.callbacks import AdaptiveDropout, DropoutScheduler

SCHEDULES = {
    "falling to 0": schedules.linear(),
    "rising from 0": schedules.linear(0, 1),
    "constant": schedules.constant(),
    "zero": schedules.constant(0),
    "above the base": schedules.linear(1, 2),
}
# XLA is left out on jax, which always compiles
SLOW = pytest.mark.slow
WAYS = [(1, False), (3, False), (8, False), (8, True)]
if keras.backend.backend() == "jax":
    WAYS = [(1, "auto"), (8, "auto")]
if keras.backend.backend() == "torch":  # which has no longer executions
    WAYS = [(1, "auto")]


def cases(name, way):
    """All schedules in all ways, of which the default run has one."""
    return pytest.mark.parametrize(
        ("name", "steps_per_execution", "jit_compile"),
        [
            pytest.param(each, *other, marks=[] if (each, other) == (name, way) else SLOW)
            for each in SCHEDULES
            for other in WAYS
        ],
    )


@pytest.mark.formula(14)
@cases("falling to 0", WAYS[-1])
def test_a_rate_an_epoch_reaches_the_compiled_graph(name, steps_per_execution, jit_compile):
    schedule = SCHEDULES[name]
    built = model(jit_compile=jit_compile, steps_per_execution=steps_per_execution)
    history = fit(built, DropoutScheduler(schedule))
    for layer, base in BASES.items():
        rates = [base * schedule(epoch / EPOCHS) for epoch in range(EPOCHS)]
        assert history[f"{layer}_rate"] == pytest.approx(rates)
        assert_dropped(history, layer, rates)


@cases("rising from 0", WAYS[len(WAYS) // 3])
def test_a_rate_a_step_reaches_the_compiled_graph(name, steps_per_execution, jit_compile):
    schedule = SCHEDULES[name]
    built = model(jit_compile=jit_compile, steps_per_execution=steps_per_execution)
    history = fit(built, DropoutScheduler(schedule, each="step"))
    for layer, base in BASES.items():
        means, rates = step_rates(base, schedule)
        assert history[f"{layer}_rate"] == pytest.approx(rates[STEPS - 1 :: STEPS])
        assert_dropped(history, layer, means)


@SLOW
def test_a_second_fit_begins_the_table_anew():
    """The step was traced by then, with the first table in it."""
    built = model()
    fit(built, DropoutScheduler(schedules.linear(0, 1), each="step"))
    history = fit(built, DropoutScheduler(schedules.linear(), each="step"))
    assert_dropped(history, "dropout_1", step_rates(0.4, schedules.linear())[0])


@pytest.mark.parametrize("each", ["epoch", pytest.param("step", marks=SLOW)])
def test_a_later_fit_without_a_schedule_has_the_base_rates(each):
    built = model()
    fit(built, DropoutScheduler(schedules.linear(0.5, 0), each=each), epochs=2)
    layer = built.get_layer("dropout_1")
    assert layer.last_rate == pytest.approx(0 if each == "step" else 0.1)  # as the last step had it
    history = fit(built, keras.callbacks.Callback(), epochs=1)
    assert_dropped(history, "dropout_1", [0.4])
    assert layer.last_rate == pytest.approx(0.4)


@pytest.mark.slow
def test_a_schedule_a_layer_and_one_scaled_by_depth():
    history = fit(model(), DropoutScheduler({"dropout_2": schedules.linear()}))
    assert history["dropout_2_rate"] == pytest.approx([0.2, 0.15, 0.1, 0.05])
    assert "dropout_1_rate" not in history
    assert_dropped(history, "dropout_1", [0.4] * 4)
    history = fit(model(), DropoutScheduler(schedules.constant(), depth=(0.5, 2)))
    assert history["dropout_1_rate"] == pytest.approx([0.2] * 4)
    assert history["dropout_2_rate"] == pytest.approx([0.4] * 4)
    assert_dropped(history, "dropout_2", [0.4] * 4)


@pytest.mark.parametrize("each", ["epoch", "step"])
def test_a_schedule_that_takes_a_rate_out_of_range_is_refused_at_the_start(each):
    callback = DropoutScheduler(schedules.step(0.5, at=[0.5]), depth=(3, 3), each=each)
    with pytest.raises(ConfigError, match=r"takes the rate of dropout_1 to 1\.2; a dropout rate"):
        fit(model(), callback)


def test_what_cannot_be_scheduled_is_named():
    with pytest.raises(
        ConfigError, match=r"Unknown dropout layer 'dropout_9'\. There are dropout_1"
    ):
        fit(model(), DropoutScheduler({"dropout_9": schedules.linear()}))
    with pytest.raises(ConfigError, match="each"):
        DropoutScheduler(schedules.linear(), each="batch")
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="plain")
    for callback in (DropoutScheduler(schedules.linear()), AdaptiveDropout()):
        callback.set_model(plain)
        callback.set_params({"epochs": 2, "steps": 2})
        with pytest.raises(ConfigError, match="needs a ScheduledDropout layer; plain has none"):
            callback.on_train_begin()


def adapt(gaps, **constants):
    """Feed gaps and return the logged rates of the two layers."""
    callback, rates = AdaptiveDropout(**constants), []
    callback.set_model(model())
    callback.on_train_begin()
    for epoch, gap in enumerate(gaps):
        callback.on_epoch_begin(epoch)
        logs = {"loss": 1.0, "val_loss": 1.0 + gap}
        callback.on_epoch_end(epoch, logs)
        rates.append([logs["dropout_1_rate"], logs["dropout_2_rate"]])
    return rates


def test_adaptive_dropout_follows_its_rule():
    rates = adapt([0.15, -0.05, 0.05, 0], target=0.05, gain=1.0)
    factors = [1, math.exp(0.1), 1, 1]  # up, back down, and kept on target
    for (first, second), factor in zip(rates, factors, strict=True):
        assert (first, second) == pytest.approx((0.4 * factor, 0.2 * factor))


def test_adaptive_dropout_is_bounded():
    far = adapt([100] * 12, target=0.0, highest=3.0)
    assert far[1] == pytest.approx([0.4 * math.exp(0.2), 0.2 * math.exp(0.2)])  # a bounded change
    assert far[-1] == pytest.approx([0.9, 0.6])  # no rate passes 0.9, no factor passes highest
    assert adapt([-100] * 12, target=0.0)[-1] == pytest.approx([0.1, 0.05])


def test_adaptive_dropout_reaches_the_compiled_graph():
    built = model()

    class Fed(AdaptiveDropout):
        def on_epoch_end(self, epoch, logs=None):
            logs |= {"loss": 1.0, "val_loss": 0.0}  # always far below the target
            super().on_epoch_end(epoch, logs)

    history = fit(built, Fed())
    rates = [0.4 * math.exp(-0.2 * epoch) for epoch in range(EPOCHS)]
    assert history["dropout_1_rate"] == pytest.approx(rates)
    assert_dropped(history, "dropout_1", rates)


def test_adaptive_dropout_goes_on_from_its_state():
    first, second = AdaptiveDropout(), AdaptiveDropout()
    first.factor = 1.7
    second.restore(first.state())
    assert second.factor == 1.7


def test_adaptive_dropout_refuses_what_it_cannot_use():
    with pytest.raises(ConfigError, match="AdaptiveDropout needs validation data, received none"):
        fit(model(), AdaptiveDropout())
    for constants in ({"gain": 0}, {"lowest": 0}, {"lowest": 2}, {"highest": 0.5}):
        with pytest.raises(ConfigError, match=next(iter(constants))):
            AdaptiveDropout(**constants)
