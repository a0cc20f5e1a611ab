import math

import pytest

from fashion_zoo import ConfigError, schedules


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("constant", {-1: 1, 0: 1, 0.5: 1, 1: 1, 2: 1}),
        ("linear", {-1: 1, 0: 1, 0.25: 0.75, 1: 0, 2: 0}),
        ("cosine", {-1: 1, 0: 1, 1 / 3: 0.75, 0.5: 0.5, 1: 0, 2: 0}),
        ("step", {-1: 1, 0: 1, 0.33: 1, 1 / 3: 0.1, 0.66: 0.1, 2 / 3: 0.01, 1: 0.01, 2: 0.01}),
        (
            "one_cycle",
            {
                -1: 1 / 25,
                0: 1 / 25,
                0.125: (1 + 1 / 25) / 2,
                0.25: 1,
                0.625: (1 + 1 / 250_000) / 2,
                1: 1 / 250_000,
                2: 1 / 250_000,
            },
        ),
    ],
)
def test_a_schedule_has_its_closed_form_past_both_ends(name, values):
    schedule = schedules.get(name)
    for progress, value in values.items():
        assert schedule(progress) == pytest.approx(value, abs=1e-12), progress


def test_every_schedule_stays_between_zero_and_one():
    for schedule in schedules.SCHEDULES.values():
        assert all(0 <= schedule(step / 997) <= 1 + 1e-12 for step in range(998))


def test_one_cycle_peaks_once():
    values = [schedules.one_cycle(step / 1000) for step in range(1001)]
    turns = sum(
        math.copysign(1, b - a) != math.copysign(1, c - b)
        for a, b, c in zip(values, values[1:], values[2:], strict=False)
    )
    assert turns == 1


def test_an_unknown_schedule_is_answered_with_all():
    with pytest.raises(ConfigError, match=r"Did you mean 'cosine'\? Known: constant, cosine, line"):
        schedules.get("cosin")
