"""What ends a training early, without training: the callbacks are fed."""

import dataclasses
import math
import types

import keras
import numpy as np
import pytest

from fashion_zoo import TrainingError, override, recipe
from fashion_zoo.callbacks import EarlyStopping, StopOnDivergence, TimeBudget
from fashion_zoo.data.batches import encode
from fashion_zoo.layers.values import as_array
from fashion_zoo.training import ending
from fashion_zoo.training.fit import build_model, compile_model
from fashion_zoo.training.plan import plan
from fashion_zoo.training.untrained import untrained_loss


class Model(types.SimpleNamespace):
    """What a stopping callback asks of a model."""

    epoch = 0

    def get_weights(self):
        return [self.epoch]

    def set_weights(self, weights):
        self.weights = weights


def feed(callback, values, name="val_accuracy", start=0):
    """Feed one value an epoch and return the number of epochs until it stops."""
    for epoch, value in enumerate(values, start=start):
        callback.model.epoch = epoch + 1
        callback.on_epoch_end(epoch, {name: value})
        if callback.model.stop_training:
            return epoch + 1
    return None


def stopping(**options):
    callback = EarlyStopping(
        monitor="val_accuracy", mode="max", patience=2, restore_best_weights=True, **options
    )
    callback.set_model(Model(stop_training=False))
    callback.on_train_begin()
    return callback


@pytest.mark.formula(15)
def test_patience_counts_epochs_without_improvement():
    assert feed(stopping(), [0.5, 0.6, 0.6, 0.6, 0.7]) == 4
    assert feed(stopping(min_delta=0.05), [0.5, 0.6, 0.61, 0.62, 0.7]) == 4


def test_significance_counts_only_what_passes_the_interval():
    # by hand: 0.8 + 1.96 sqrt(2 * 0.8 * 0.2 / 5000) = 0.81568
    assert feed(stopping(images=5000), [0.8, 0.8156, 0.8157, 0.82, 0.82]) == 5
    assert feed(stopping(images=5000), [0.8, 0.8155, 0.8156, 0.9]) == 3
    callback = stopping(images=5000)
    assert feed(callback, [0.8, 0.81, 0.805]) == 3
    callback.on_train_end()
    assert callback.model.weights == [2]  # the best epoch, significant or not


@pytest.mark.parametrize("images", [None, 5000])
def test_early_stopping_goes_on_from_its_state(images):
    values = [0.8, 0.85, 0.84, 0.845, 0.9]
    whole, first, second = (stopping(images=images) for _ in range(3))
    feed(first, values[:3])
    second.restore(first.state())
    assert feed(second, values[3:], start=3) == feed(whole, values) == 4
    for callback in (whole, second):
        callback.on_train_end()
    assert whole.model.weights == second.model.weights == [2]


def test_a_budget_begins_no_epoch_that_would_pass_it():
    now = [0.0]

    def budget(seconds):
        callback = TimeBudget(seconds, clock=lambda: now[0])
        callback.set_model(Model(stop_training=False))
        callback.on_train_begin()
        return callback

    def spend(callback, times):
        for epoch, seconds in enumerate(times, start=1):
            callback.on_epoch_begin(epoch)
            now[0] += seconds
            callback.on_epoch_end(epoch, {})
            if callback.model.stop_training:
                return epoch
        return None

    assert spend(budget(9.5), [3, 2, 2, 2]) == 3  # 7 are spent, and an epoch may take 3
    assert spend(budget(10), [3, 2, 2]) is None
    assert spend(budget(10), [1] * 9) is None
    resumed, first = budget(9.5), budget(9.5)
    assert spend(first, [3, 2]) is None
    now[0] += 1000  # while it was dead
    resumed.restore(first.state())
    assert spend(resumed, [2]) == 1


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_with_epoch_step_and_advice(loss):
    callback = StopOnDivergence(2.3, "Try this.")
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


def test_the_step_of_a_divergence_is_one_of_its_epoch():
    callback = StopOnDivergence(2.3)
    callback.set_params({"steps": 6})
    callback.on_epoch_begin(0)
    with pytest.raises(TrainingError, match="by step 6 of epoch 1"):
        callback.on_train_batch_end(7, {"loss": math.nan})  # the last execution was of 4 steps


def test_a_test_of_significance_waits_for_the_first_epoch_that_counts():
    early = stopping(images=5000, start_from_epoch=1)
    feed(early, [0.5, 0.6, 0.6])
    assert (early.best, early.best_epoch) == (0.6, 1)


def test_a_loss_far_above_the_start_stops():
    callback = StopOnDivergence(2.0, "Try this.", far=10)
    callback.on_train_begin()
    callback.on_epoch_begin(4)
    for loss in (20.0, 2.0):
        callback.on_train_batch_end(9, {"loss": loss})
    callback.on_epoch_end(4, {"loss": 1.0, "val_loss": 21.0})  # it may come down again
    with pytest.raises(TrainingError) as caught:
        callback.on_train_batch_end(9, {"loss": 20.1})
    assert str(caught.value) == (
        "Training stopped: loss rose to 20.1 by step 10 of epoch 5, more than 10 times the 2 of "
        "the untrained model. Try this."
    )
    callback.check_final(20.0)
    with_dropout = StopOnDivergence(9.0, far=10, evaluated=2.0)
    with_dropout.on_train_batch_end(9, {"loss": 90.0})
    with pytest.raises(TrainingError, match=r"rose to 91 by .*, more than 10 times the 9 of"):
        with_dropout.on_train_batch_end(9, {"loss": 91.0})
    with pytest.raises(TrainingError, match=r"rose to 21 .*, more than 10 times the 2 of"):
        with_dropout.check_final(21.0)
    with pytest.raises(TrainingError, match="validation loss rose to 21 with the weights that it"):
        callback.check_final(21.0)


@pytest.mark.parametrize("start", [0.0, -2.0])
def test_from_a_start_of_0_or_below_only_what_is_not_finite_ends_a_training(start):
    callback = StopOnDivergence(start)
    callback.on_epoch_begin(0)
    for loss in (start, 1.0, -30.0):
        callback.on_train_batch_end(0, {"loss": loss})
    with pytest.raises(TrainingError, match="loss became inf"):
        callback.on_train_batch_end(0, {"loss": math.inf})


@pytest.mark.parametrize("soft", [False, True])
def test_the_loss_of_an_untrained_model_is_that_of_guessing_or_more(soft, images):
    guessing = math.log(10)
    labels = encode(images.labels, 10, 0.1 if soft else None)

    def untrained(**model):
        config = override(recipe("baseline_mlp").config, {"model": model})
        planned = dataclasses.replace(plan(config), soft_labels=soft)
        built = build_model(recipe("baseline_mlp"), config.model, planned)
        compile_model(built, planned)
        return untrained_loss(built, images.images, labels), built

    plain, built = untrained(hidden_units=(16,))
    assert guessing <= plain < 2 * guessing
    kernels = built.get_weights()[::2]
    penalty = 0.01 * sum(float((kernel**2).sum()) for kernel in kernels)
    _, deep = untrained(hidden_units=(32,) * 6, dropout=0.9)
    with_penalty, _ = untrained(hidden_units=(16,), l2=0.01)
    loss = built.compute_loss(y=labels, y_pred=built(images.images))
    loss = float(keras.ops.convert_to_numpy(loss))
    assert with_penalty == pytest.approx(max(guessing, loss + penalty), rel=1e-4)

    for training in (False, True):
        before = [as_array(variable) for variable in deep.variables]
        found = untrained_loss(deep, images.images, labels, training)
        assert all(map(np.array_equal, before, map(as_array, deep.variables)))
        logits = deep(images.images, training=training)
        expected = float(keras.ops.convert_to_numpy(deep.compute_loss(y=labels, y_pred=logits)))
        assert found == pytest.approx(expected, rel=1e-5)
        assert (found > 100) == training, "kept activations are divided by 0.1, six times"

    built.set_weights([0 * weights for weights in built.get_weights()])
    assert untrained_loss(built, images.images, labels) == pytest.approx(guessing)


def test_what_stopped_a_training_is_said_with_the_epoch_of_its_weights():
    patience = stopping()
    feed(patience, [0.5, 0.6, 0.6, 0.6])
    assert ending._stop_reason([patience]) == "val_accuracy has not improved for 2 epochs"
    assert ending._kept_epoch([patience], finished=True) == 2
    significant = stopping(images=5000)
    feed(significant, [0.8, 0.81, 0.805])
    assert (
        ending._stop_reason([significant])
        == "val_accuracy has not improved significantly for 2 epochs"
    )
    delta = stopping(min_delta=0.05)
    feed(delta, [0.5, 0.6, 0.61, 0.62])
    assert "has not improved by more than 0.05 for 2 epochs" in ending._stop_reason([delta])
    budget = TimeBudget(60)
    budget.restore({"spent": 50, "longest": 11})
    resumed = stopping()
    resumed.restore(patience.state())  # a kill came before training.json
    assert ending._stop_reason([budget]) == "another epoch would pass the budget of 60 s"
    assert (ending._stop_reason([resumed]), ending._kept_epoch([resumed], finished=True)) == (
        "val_accuracy has not improved for 2 epochs", 2,
    )  # fmt: skip
    assert ending._stop_reason([stopping()]) == "a callback stopped it"
    training = {"epochs": 4, "stopped_early": "why", "weights_of_epoch": 2}
    said = "Stopped after epoch 4 of 9: why. The weights are those of epoch 2."
    assert ending.stop_message(training, 9) == said
    assert ending.stop_message({"epochs": 9}, 9) is None
