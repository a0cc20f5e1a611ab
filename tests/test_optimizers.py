import inspect

import keras
import numpy as np
import pytest
from rounding import SUMS

from fashion_zoo import clippings, schedules
from fashion_zoo.optimizers import (
    WORDS,
    FusedAdam,
    FusedAdamW,
    ScheduledAdamW,
    TabulatedSchedule,
    build_optimizer,
    last_step,
)

EXECUTION = 1 if keras.backend.backend() == "torch" else 4  # steps; PyTorch has no longer ones


def tabulated(*arguments):
    return TabulatedSchedule(schedules.tabulate(*arguments))


def test_a_table_runs_from_progress_0_to_1_and_stays_there():
    table = tabulated(schedules.linear(), 0.5, 5)
    rates = [float(table(step)) for step in (0, 1, 4, 99)]
    assert rates == pytest.approx([0.5, 0.375, 0.0, 0.0])
    assert float(tabulated(schedules.cosine(), 0.5, 1)(0)) == 0.25  # one step is at the middle


def test_a_table_survives_its_config():
    table = tabulated(schedules.one_cycle(), 3e-3, 11)
    again = TabulatedSchedule.from_config(table.get_config())
    assert np.array_equal(again.values, table.values)


def test_the_optimizer_steps_by_its_own_counter():
    optimizer = build_optimizer(WORDS.parse("sgd"), learning_rate=np.array([0.0, 1.0, 0.0]))
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    seen = []
    for _ in range(3):
        optimizer.apply([keras.ops.ones(())], [weight])
        seen.append(float(keras.ops.convert_to_numpy(weight)))
    # Nesterov: velocity = 0.9 velocity - rate * g; weight += 0.9 velocity - rate * g
    assert seen == pytest.approx([0.0, -1.9, -1.9 - 0.81])


def test_each_optimizer_gets_its_settings():
    adamw = build_optimizer(
        WORDS.parse("adamw"),
        learning_rate=0.5,
        weight_decay=0.1,
        clipping=clippings.global_norm(2),
    )
    assert type(adamw) is FusedAdamW
    assert (adamw.weight_decay, adamw.global_clipnorm) == (0.1, 2.0)
    assert float(adamw.learning_rate) == 0.5
    adam = build_optimizer(WORDS.parse("adam"), learning_rate=0.5, scale_loss=True)
    assert type(adam) is keras.optimizers.LossScaleOptimizer
    assert type(adam.inner_optimizer) is FusedAdam


@pytest.mark.formula(6)
def test_weight_decay_spares_everything_but_kernels():
    layer = keras.layers.Dense(2, name="dense")
    norm = keras.layers.BatchNormalization(name="norm")
    norm(layer(np.ones((1, 3), dtype="float32")))
    weights = [*layer.trainable_weights, *norm.trainable_weights]
    for weight in weights:
        weight.assign(keras.ops.ones(weight.shape))
    optimizer = build_optimizer(WORDS.parse("adamw"), learning_rate=0.1, weight_decay=0.5)
    optimizer.apply([keras.ops.zeros(weight.shape) for weight in weights], weights)
    values = {weight.name: float(keras.ops.mean(weight)) for weight in weights}
    assert values == pytest.approx({"kernel": 0.95, "bias": 1, "gamma": 1, "beta": 1})


def test_weight_decay_moves_with_the_optimizers_own_counter():
    optimizer = build_optimizer(
        WORDS.parse("adamw"), learning_rate=0.1, weight_decay=np.array([0.5, 0.0, 1.0])
    )
    weight = keras.Variable(1.0, name="kernel")
    optimizer.build([weight])
    seen = []
    for _ in range(4):
        optimizer.apply([keras.ops.zeros(())], [weight])
        seen.append(float(weight))
    # weight -= learning_rate * decay * weight; a gradient of 0 moves nothing else
    assert seen == pytest.approx([0.95, 0.95, 0.855, 0.7695])


def test_scheduled_decay_survives_its_config():
    table = TabulatedSchedule([0.5, 0.0])
    optimizer = ScheduledAdamW(table, learning_rate=0.1, global_clipnorm=2.0)
    again = ScheduledAdamW.from_config(optimizer.get_config())
    assert np.array_equal(again.weight_decay_at(1), table(1))
    assert again.get_config() == optimizer.get_config()


def test_rate_and_decay_are_of_one_step_where_gradients_are_accumulated():
    """Keras looks a rate up by all steps; the decay must not lag behind by counting updates."""
    optimizer = ScheduledAdamW(
        TabulatedSchedule([0, 0, 0, 1]),
        learning_rate=TabulatedSchedule([0, 0, 0, 0.1]),
        gradient_accumulation_steps=2,
    )
    weight = keras.Variable(1.0, name="kernel")
    optimizer.build([weight])
    for _ in range(4):
        optimizer.apply([keras.ops.zeros(())], [weight])
    assert last_step(optimizer) == pytest.approx({"learning_rate": 0.1, "weight_decay": 1.0})
    assert float(weight) == pytest.approx(0.9)


def test_adamw_takes_its_arguments_in_the_order_of_keras():
    parameters = inspect.signature(keras.optimizers.AdamW).parameters
    values = {"learning_rate": 0.1, "weight_decay": 0.2, "beta_1": 0.5, "beta_2": 0.6,
              "epsilon": 1e-3, "amsgrad": True, "clipnorm": 0.7}  # fmt: skip
    assert list(parameters)[:7] == list(values)
    ours, stock = (
        kind(*values.values()).get_config() for kind in (FusedAdamW, keras.optimizers.AdamW)
    )
    assert {**ours, "name": ""} == {**stock, "name": ""}
    assert FusedAdamW().name != FusedAdamW().name
    with pytest.raises(ValueError, match="`weight_decay` must be a float"):
        FusedAdamW(weight_decay=None)


def test_a_schedule_of_no_steps_is_refused():
    with pytest.raises(ValueError, match="at least one step, received none"):
        TabulatedSchedule([])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_scheduled_decay_reaches_the_compiled_step(jit_compile):
    inputs = keras.Input((4,))
    layer = keras.layers.Dense(3, name="dense")
    model = keras.Model(inputs, layer(inputs))
    decays = [0.5, 0.25, 0.0, 1.0]
    model.compile(
        build_optimizer(WORDS.parse("adamw"), learning_rate=0.1, weight_decay=np.array(decays)),
        "mse",
        steps_per_execution=EXECUTION,
        jit_compile=jit_compile,
    )
    start = keras.ops.convert_to_numpy(layer.kernel).copy()
    zeros = np.zeros((8, 4), dtype="float32")  # no gradient reaches the kernel
    model.fit(zeros, zeros[:, :3], batch_size=2, epochs=1, verbose=0)
    kept = np.prod([1 - 0.1 * decay for decay in decays])
    assert keras.ops.convert_to_numpy(layer.kernel) == pytest.approx(start * kept, rel=1e-5)


def stepped(kind, steps=12, **changes):
    """Return two variables after so many steps, with gradients of their own."""
    optimizer = kind(learning_rate=TabulatedSchedule(np.linspace(2e-3, 1e-4, steps)), **changes)
    generator = np.random.default_rng(0)
    weights = [
        keras.Variable(generator.normal(size=shape).astype("float32"), name=name)
        for name, shape in (("kernel", (5, 3)), ("bias", (3,)))
    ]
    optimizer.build(weights)

    for _ in range(steps):
        gradients = [generator.normal(size=weight.shape).astype("float32") for weight in weights]
        optimizer.apply([keras.ops.convert_to_tensor(one) for one in gradients], weights)
    return [keras.ops.convert_to_numpy(one) for one in weights]


OPTIONS = [
    {},
    {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
    {"global_clipnorm": 0.5},
    {"clipvalue": 0.1},
    {"use_ema": True, "ema_overwrite_frequency": 5},
    {"gradient_accumulation_steps": 4},
    {"amsgrad": True},
    {"weight_decay": 0.1},
]


# Elsewhere than on tensorflow there is no kernel, and a fused optimizer is Keras's own code.
@pytest.mark.formula(8)
@pytest.mark.parametrize(
    "options", OPTIONS if keras.backend.backend() == "tensorflow" else OPTIONS[:1], ids=str
)
@pytest.mark.parametrize(
    ("fused", "stock"),
    [(FusedAdam, keras.optimizers.Adam), (FusedAdamW, keras.optimizers.AdamW)],
)
def test_a_fused_optimizer_is_that_of_keras(fused, stock, options):
    for ours, theirs in zip(stepped(fused, **options), stepped(stock, **options), strict=True):
        assert np.abs(ours - theirs).max() <= SUMS


@pytest.mark.parametrize(
    "options",
    [{}, pytest.param({"gradient_accumulation_steps": 2}, marks=pytest.mark.slow)],
    ids=str,
)
def test_a_fused_optimizer_is_that_of_keras_in_a_compiled_fit(options):
    """The powers of beta are kept for the step that is traced, and must move with it."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(64, 6)), generator.normal(size=(64, 2))
    found = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        model = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(5, "relu", kernel_initializer=keras.initializers.HeNormal(1)),
                keras.layers.Dense(2, kernel_initializer=keras.initializers.HeNormal(2)),
            ]
        )
        model.compile(kind(2e-3, **options), "mse", steps_per_execution=EXECUTION)
        model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        found.append(model.get_weights())
    for ours, theirs in zip(*found, strict=True):
        assert np.abs(ours - theirs).max() <= SUMS


@pytest.mark.parametrize("kind", [FusedAdam, FusedAdamW])
def test_a_fused_optimizer_survives_its_config(kind):
    optimizer = kind(0.1, weight_decay=0.2, beta_1=0.5, global_clipnorm=1.0)
    assert kind.from_config(optimizer.get_config()).get_config() == optimizer.get_config()
    name = keras.saving.get_registered_name(kind)
    assert name == f"fashion_zoo>{kind.__name__}"


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the kernel is TensorFlow's")
def test_the_kernel_is_used_where_it_fits_and_only_there(monkeypatch):
    import tensorflow as tf

    calls = []
    kernel = tf.raw_ops.ResourceApplyAdam
    monkeypatch.setattr(
        tf.raw_ops, "ResourceApplyAdam", lambda **given: calls.append(1) or kernel(**given)
    )
    stepped(FusedAdam, 3)
    assert len(calls) == 6
    stepped(FusedAdam, 3, amsgrad=True)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        weight = keras.Variable(1.0)
        optimizer = FusedAdam(0.1)
        optimizer.build([weight])
    strategy.run(lambda: optimizer.apply([tf.ones(())], [weight]))
    assert strategy.experimental_local_results(weight.value)[0].numpy() == pytest.approx(
        0.9, abs=1e-5
    )
    assert len(calls) == 6
    table = keras.Variable(np.ones((4, 2), dtype="float32"))
    optimizer = FusedAdam(0.1)
    optimizer.build([table])
    optimizer.apply([tf.IndexedSlices(tf.ones((1, 2)), [2], [4, 2])], [table])
    assert len(calls) == 6
    assert keras.ops.convert_to_numpy(table)[:, 0] == pytest.approx([1, 1, 0.9, 1], abs=1e-5)
