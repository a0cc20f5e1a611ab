import signal
import threading

import keras
import numpy as np
import pytest

from fashion_zoo import ConfigError, TrainingError, get, schedules
from fashion_zoo.callbacks import (
    DropoutScheduler,
    OptimizerLogger,
    StopOnDivergence,
    StopOnInterrupt,
)
from fashion_zoo.layers import ScheduledDropout
from fashion_zoo.optimizers import TabulatedSchedule

UNITS = 200


def dropping_model():
    """Return a model whose output is its dropout layers, so that fit can count what they drop."""
    inputs = keras.Input((UNITS,))
    first = ScheduledDropout(0.4, seed=1, name="dropout_1")(inputs)
    second = ScheduledDropout(0.2, seed=2, name="dropout_2")(inputs)
    trained = keras.layers.Dense(1)(inputs)  # fit wants something to train
    return keras.Model(inputs, [first, second, trained])


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("steps_per_execution", [1, 8])
def test_the_scheduled_rate_reaches_the_compiled_graph(jit_compile, steps_per_execution):
    def dropped(y_true, y_pred):
        return keras.ops.mean(keras.ops.cast(keras.ops.equal(y_pred, 0), "float32"))

    model = dropping_model()
    model.compile(
        "sgd",
        loss=["mse", "mse", "mse"],
        metrics=[[dropped], [dropped], []],
        jit_compile=jit_compile,
        steps_per_execution=steps_per_execution,
    )
    ones = np.ones((800, UNITS), dtype="float32")
    history = model.fit(
        ones,
        [ones, ones, ones[:, :1]],
        batch_size=100,
        epochs=4,
        verbose=0,
        callbacks=[DropoutScheduler(schedules.linear())],
    ).history
    for base, name in ((0.4, "dropout_1"), (0.2, "dropout_2")):
        rates = [base, base * 0.75, base * 0.5, base * 0.25]
        assert history[f"{name}_rate"] == pytest.approx(rates)
        for rate, measured in zip(rates, history[f"{name}_dropped"], strict=True):
            assert measured == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / ones.size))


def test_a_schedule_that_takes_a_rate_out_of_range_is_refused_at_the_start():
    callback = DropoutScheduler(schedules.linear(1, 9))
    callback.set_model(dropping_model())
    callback.set_params({"epochs": 4})
    with pytest.raises(ConfigError, match=r"takes the rate of dropout_1 to 1\.2; a"):
        callback.on_train_begin()


def test_the_logged_learning_rate_is_the_one_of_the_last_step(images):
    model = get("baseline_mlp", hidden_units=(8,))
    table = TabulatedSchedule([0.1, 0.2, 0.3, 0.4])
    model.compile(keras.optimizers.SGD(table), "sparse_categorical_crossentropy")
    fit = {"batch_size": 100, "epochs": 2, "verbose": 0, "callbacks": [OptimizerLogger()]}
    history = model.fit(images.images, images.labels, **fit).history
    assert history["learning_rate"] == pytest.approx([0.2, 0.4])
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    history = model.fit(images.images, images.labels, **fit).history
    assert history["learning_rate"] == pytest.approx([0.05, 0.05])


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_with_epoch_step_and_advice(loss):
    callback = StopOnDivergence("Try this.")
    callback.on_epoch_begin(2)
    callback.on_train_batch_end(9, {"loss": 1.0})
    with pytest.raises(TrainingError) as caught:
        callback.on_train_batch_end(19, {"loss": loss})
    assert str(caught.value) == (
        f"Training stopped: loss became {loss} by step 20 of epoch 3. Try this."
    )
    with pytest.raises(TrainingError, match="val_loss became nan at the end of epoch 3"):
        callback.on_epoch_end(2, {"loss": 1.0, "val_loss": float("nan")})
    callback.on_epoch_end(2, {"loss": 1.0})


def test_ctrl_c_waits_for_a_safe_point_and_a_second_one_does_not():
    before = signal.getsignal(signal.SIGINT)
    with StopOnInterrupt() as stop:
        stop.on_train_batch_end(0)
        signal.raise_signal(signal.SIGINT)  # nothing is raised here
        with pytest.raises(KeyboardInterrupt):
            stop.on_train_batch_end(1)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_lost_in_the_clean_up_of_an_iterator_still_counts():
    class Iterator:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    with StopOnInterrupt() as stop:
        iterator = Iterator()
        del iterator
        with pytest.raises(KeyboardInterrupt):
            stop.on_train_batch_end(0)


def test_outside_the_main_thread_signals_are_left_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with StopOnInterrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
