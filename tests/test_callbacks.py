import signal
import threading

import keras
import numpy as np
import pytest

from fashion_zoo import get
from fashion_zoo.callbacks import OptimizerLogger, StopOnInterrupt
from fashion_zoo.optimizers import WORDS, TabulatedSchedule, build_optimizer


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


def test_the_logged_weight_decay_is_the_one_of_the_last_step(images):
    model = get("baseline_mlp", hidden_units=(8,))
    optimizer = build_optimizer(
        WORDS.parse("adamw"),
        learning_rate=0.01,
        weight_decay=np.array([0.1, 0.2, 0.3, 0.4]),
        scale_loss=True,
    )
    model.compile(optimizer, model.loss)
    fit = {"batch_size": 100, "epochs": 2, "verbose": 0, "callbacks": [OptimizerLogger()]}
    history = model.fit(images.images, images.labels, **fit).history
    assert history["weight_decay"] == pytest.approx([0.2, 0.4])


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
