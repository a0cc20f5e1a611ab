"""Counting what dropout layers drop in a compiled ``fit``, on any backend."""

import keras
import numpy as np
import pytest

from fashion_zoo.layers import ScheduledDropout

UNITS, EPOCHS, STEPS = 200, 4, 8
BASES = {"dropout_1": 0.4, "dropout_2": 0.2}


def model(**compiling):
    """Return a model whose output has those of its dropout layers, so that fit counts zeros."""

    def counting(place, name):
        def dropped(y_true, y_pred):
            part = y_pred[:, place * UNITS : (place + 1) * UNITS]
            return keras.ops.mean(keras.ops.cast(keras.ops.equal(part, 0), "float32"))

        dropped.__name__ = f"{name}_dropped"
        return dropped

    inputs = keras.Input((UNITS,))
    outputs = [
        ScheduledDropout(rate, seed=seed, name=name)(inputs)
        for seed, (name, rate) in enumerate(BASES.items())
    ]
    outputs.append(keras.layers.Dense(1)(inputs))  # fit wants something to train
    built = keras.Model(inputs, keras.layers.Concatenate()(outputs))
    metrics = [counting(place, name) for place, name in enumerate(BASES)]
    built.compile("sgd", "mse", metrics=metrics, **compiling)
    return built


def fit(built, callback, epochs=EPOCHS):
    """Fit for a few epochs and return the history."""
    ones = np.ones((100 * STEPS, UNITS), dtype="float32")
    return built.fit(
        ones,
        np.ones((100 * STEPS, len(BASES) * UNITS + 1), dtype="float32"),
        batch_size=100,
        epochs=epochs,
        verbose=0,
        callbacks=[callback],
    ).history


def assert_dropped(history, name, rates):
    """The share of dropped units of each epoch is its rate, within 5 standard errors."""
    drawn = 100 * STEPS * UNITS
    (shares,) = (values for key, values in history.items() if key == f"{name}_dropped")
    for rate, share in zip(rates, shares, strict=True):
        error = np.sqrt(rate * (1 - rate) / drawn)
        assert share == pytest.approx(rate, abs=5 * error + 1e-9), (name, rates, shares)


def step_rates(base, schedule):
    """Return the mean rate of each epoch when it moves each step."""
    count = EPOCHS * STEPS
    rates = [base * schedule(step / (count - 1)) for step in range(count)]
    return [np.mean(rates[start : start + STEPS]) for start in range(0, count, STEPS)], rates
