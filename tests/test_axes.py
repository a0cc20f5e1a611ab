"""Numbers of KerasTuner that Optuna cannot draw as they are: steps that multiply, reverse_log."""

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine.trial import TrialStatus
from ordinary import drawn, memory, ordinary

SCALES = [
    *[("Int", (low, high), {"step": step, "sampling": "log"})
      for low, high, step in ((2, 32, 2), (1, 100, 3), (8, 1024, 4), (5, 5, 2))],
    *[("Float", (low, high), {"step": step, "sampling": "log"})
      for low, high, step in ((1e-4, 1e-1, 10), (0.001, 10, 10), (0.1, 7, 1.5))],
    *[("Int", (low, high), {"step": step, "sampling": "reverse_log"})
      for low, high, step in ((2, 32, 2), (1, 100, 3))],
    ("Float", (1e-4, 1e-1), {"step": 10, "sampling": "reverse_log"}),
    *[("Int", (low, high), {"step": step}) for low, high, step in ((6, 13, 3), (0, 10, 4))],
    *[("Float", (low, high), {"step": step})
      for low, high, step in ((0, 1, 0.3), (0.1, 0.8, 0.2), (0, 1, 0.1))],
]  # fmt: skip


@pytest.mark.parametrize("sampler", ["random", "quasi_random"])
def test_steps_are_drawn_and_nothing_between_them(sampler):
    oracle = ordinary(memory(40), sampler=sampler, seed=3)
    hps = keras_tuner.HyperParameters()
    for number, (kind, ends, options) in enumerate(SCALES):
        getattr(hps, kind)(str(number), *ends, **options)
    oracle.hyperparameters = hps
    found = drawn(oracle, 40)  # the first has the defaults
    for number, (kind, *_) in enumerate(SCALES):
        legal = {int(one) if kind == "Int" else one for one in hps.space[number].values}
        assert {values[str(number)] for values in found[1:]} == legal, SCALES[number]
        assert {type(values[str(number)]).__name__ for values in found} == {kind.lower()}


@pytest.mark.parametrize("sampler", ["random", "quasi_random"])
def test_reverse_log_is_dense_at_the_upper_end(sampler):
    oracle = ordinary(memory(40), sampler=sampler, seed=1)
    oracle.hyperparameters.Float("x", 1.0, 1000.0, sampling="reverse_log")
    oracle.hyperparameters.Int("n", 1, 1000, sampling="reverse_log")
    found = drawn(oracle, 40)[1:]
    for name in "xn":
        values = [values[name] for values in found]
        assert all(1 <= value <= 1000 for value in values)
        # Half of them lie beyond 1001 - sqrt(1000), 969; drawn uniformly one in thirty would.
        assert 10 < sum(value > 969 for value in values) < 30


def test_what_is_learned_of_reverse_log_is_where_the_good_values_are():
    oracle = ordinary(memory(40), seed=2)
    oracle.hyperparameters.Float("x", 1.0, 1000.0, sampling="reverse_log")
    values = []
    for _ in range(40):
        trial = oracle.create_trial("me")
        values.append(trial.hyperparameters.values["x"])
        oracle.update_trial(trial.trial_id, {"loss": abs(values[-1] - 995)})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert np.median(np.abs(np.array(values[25:]) - 995)) < 6  # drawn uniformly it is 250
