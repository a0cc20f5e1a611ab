import keras
import numpy as np
import pytest

from fashion_zoo import TrainingConfig, schedules
from fashion_zoo.optimizers import ScheduledAdamW, TabulatedSchedule, build_optimizer


def tabulated(*arguments):
    return TabulatedSchedule(schedules.tabulate(*arguments))


def test_a_table_runs_from_progress_0_to_1_and_stays_there():
    table = tabulated(schedules.linear(), 0.5, 5)
    rates = [float(table(step)) for step in (0, 1, 4, 99)]
    assert rates == pytest.approx([0.5, 0.375, 0.0, 0.0])
    assert float(tabulated(schedules.cosine(), 0.5, 1)(0)) == 0.5


def test_a_table_survives_its_config():
    table = tabulated(schedules.one_cycle(), 3e-3, 11)
    again = TabulatedSchedule.from_config(table.get_config())
    assert np.array_equal(again.values, table.values)


def test_the_optimizer_steps_by_its_own_counter():
    optimizer = build_optimizer(TrainingConfig(optimizer="sgd"), TabulatedSchedule([0.0, 1.0, 0.0]))
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    seen = []
    for _ in range(3):
        optimizer.apply([keras.ops.ones(())], [weight])
        seen.append(float(weight))
    # Nesterov: velocity = 0.9 velocity - rate * g; weight += 0.9 velocity - rate * g
    assert seen == pytest.approx([0.0, -1.9, -1.9 - 0.81])


def test_each_optimizer_gets_its_settings():
    adamw = build_optimizer(
        TrainingConfig(optimizer="adamw", weight_decay=0.1, clip_norm=2.0), learning_rate=0.5
    )
    assert type(adamw) is keras.optimizers.AdamW
    assert (adamw.weight_decay, adamw.global_clipnorm) == (0.1, 2.0)
    assert float(adamw.learning_rate) == 0.5
    adam = build_optimizer(TrainingConfig(), 0.5, scale_loss=True)
    assert type(adam) is keras.optimizers.LossScaleOptimizer
    assert type(adam.inner_optimizer) is keras.optimizers.Adam


def test_weight_decay_spares_everything_but_kernels():
    layer = keras.layers.Dense(2, name="dense")
    norm = keras.layers.BatchNormalization(name="norm")
    norm(layer(np.ones((1, 3), dtype="float32")))
    weights = [*layer.trainable_weights, *norm.trainable_weights]
    for weight in weights:
        weight.assign(keras.ops.ones(weight.shape))
    optimizer = build_optimizer(TrainingConfig(optimizer="adamw", weight_decay=0.5), 0.1)
    optimizer.apply([keras.ops.zeros(weight.shape) for weight in weights], weights)
    values = {weight.name: float(keras.ops.mean(weight)) for weight in weights}
    assert values == pytest.approx({"kernel": 0.95, "bias": 1, "gamma": 1, "beta": 1})


def test_weight_decay_moves_with_the_optimizers_own_counter():
    optimizer = build_optimizer(
        TrainingConfig(optimizer="adamw"), 0.1, weight_decay=TabulatedSchedule([0.5, 0.0, 1.0])
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


@pytest.mark.parametrize("jit_compile", [False, True])
def test_scheduled_decay_reaches_the_compiled_step(jit_compile):
    inputs = keras.Input((4,))
    layer = keras.layers.Dense(3, name="dense")
    model = keras.Model(inputs, layer(inputs))
    decays = [0.5, 0.25, 0.0, 1.0]
    model.compile(
        build_optimizer(
            TrainingConfig(optimizer="adamw"), 0.1, weight_decay=TabulatedSchedule(decays)
        ),
        "mse",
        steps_per_execution=4,
        jit_compile=jit_compile,
    )
    start = keras.ops.convert_to_numpy(layer.kernel).copy()
    zeros = np.zeros((8, 4), dtype="float32")  # no gradient reaches the kernel
    model.fit(zeros, zeros[:, :3], batch_size=2, epochs=1, verbose=0)
    kept = np.prod([1 - 0.1 * decay for decay in decays])
    assert keras.ops.convert_to_numpy(layer.kernel) == pytest.approx(start * kept, rel=1e-5)
