import signal
import threading
import types

import keras
import numpy as np
import pytest

import fashion_zoo.training.checkpoint as checkpoints
from fashion_zoo import RunError, get
from fashion_zoo.callbacks import (
    AdaptiveDropout,
    EarlyStopping,
    OptimizerLogger,
    StopOnInterrupt,
    TimeBudget,
)
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


FITTING = {"wait": 1, "stopped_epoch": 0, "best": 0.5, "best_epoch": 1, "baseline": None}


WRONG = [
    (EarlyStopping, {}),
    (EarlyStopping, {**FITTING, "best_weights": None, "wait": "2"}),
    (EarlyStopping, {**FITTING, "best_weights": None, "wait": 1.5}),
    (EarlyStopping, {**FITTING, "best_weights": None, "best": "high"}),
    (EarlyStopping, {**FITTING, "best_weights": [1]}),
    (EarlyStopping, {**FITTING, "best_weights": [np.zeros(7)]}),
    (EarlyStopping, {**FITTING, "best_weights": None, "more": 1}),
    (AdaptiveDropout, {"factor": None}),
    (AdaptiveDropout, {"factor": "1"}),
    (AdaptiveDropout, {"factor": True}),
    (TimeBudget, {"spent": [], "longest": 0.0}),
]


@pytest.mark.parametrize(("kind", "kept"), WRONG, ids=range(len(WRONG)))
def test_what_a_callback_cannot_have_kept_is_refused(kind, kept):
    callback = kind(0.05) if kind is not EarlyStopping else kind(restore_best_weights=True)
    callback.set_model(types.SimpleNamespace(weights=[np.zeros((2, 3))]))
    if kind is AdaptiveDropout:
        callback.factor = 1.0
    else:
        callback.on_train_begin()
    with pytest.raises(
        RunError, match=f"The state of {kind.__name__} in the checkpoint cannot be restored"
    ):
        checkpoints.restore_callbacks([callback], {kind.__name__: kept}, [callback])


def test_a_callback_of_the_config_that_the_state_does_not_know_is_refused():
    budget = TimeBudget(1.0)
    with pytest.raises(RunError, match="has no state of TimeBudget, without which the training"):
        checkpoints.restore_callbacks([budget], {}, [budget])
    assert checkpoints.restore_callbacks([budget], {}) == []  # a caller's own may be new
