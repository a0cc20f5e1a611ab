import math

import pytest

from fashion_zoo import ConfigError, schedules

END = 1 / 250_000


@pytest.mark.formula(9)
@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("constant", {-1: 1, 0: 1, 0.5: 1, 1: 1, 2: 1}),
        ("constant(0.3)", {-1: 0.3, 0.5: 0.3, 2: 0.3}),
        ("linear", {-1: 1, 0: 1, 0.25: 0.75, 1: 0, 2: 0}),
        ("linear(0.2, 1)", {-1: 0.2, 0: 0.2, 0.5: 0.6, 1: 1, 2: 1}),
        ("polynomial", {-1: 1, 0: 1, 0.5: 0.25, 1: 0, 2: 0}),
        ("polynomial(2, 1, power=3)", {-1: 2, 0.5: 1.125, 2: 1}),
        ("cosine", {-1: 1, 0: 1, 1 / 3: 0.75, 0.5: 0.5, 1: 0, 2: 0}),
        ("cosine(1, 0.001)", {-1: 1, 0.5: 0.5005, 1: 0.001, 2: 0.001}),
        ("exponential", {-1: 1, 0: 1, 0.5: 0.1, 1: 0.01, 2: 0.01}),
        ("exponential(1, 16)", {0.25: 2, 0.5: 4, 2: 16}),
        ("step", {-1: 1, 0: 1, 0.33: 1, 1 / 3: 0.1, 0.66: 0.1, 2 / 3: 0.01, 1: 0.01, 2: 0.01}),
        ("step(0.5, every=0.25)", {0.24: 1, 0.25: 0.5, 0.5: 0.25, 0.75: 0.125, 2: 0.125}),
        ("step(at=[0.5, 0.9])", {-1: 1, 0.49: 1, 0.5: 0.1, 0.89: 0.1, 0.9: 0.01, 2: 0.01}),
        ("step(factor=0.1, every=1/3, at=None)", {0.33: 1, 1 / 3: 0.1, 2 / 3: 0.01, 1: 0.01}),
        ("one_cycle(rise=0.25, start=1/25, end=1/250000)", {0: 1 / 25, 0.25: 1, 1: END}),
        ("step(at=[])", {-1: 1, 0.5: 1, 2: 1}),
        (
            "restarts(cycles=2, multiplier=3, decay=0.5)",
            {-1: 1, 0: 1, 0.125: 0.5, 0.25: 0.5, 0.625: 0.25, 1: 0, 2: 0},
        ),
        ("restarts(1, end=0.2)", {-1: 1, 0.5: 0.6, 1: 0.2, 2: 0.2}),
        (
            "one_cycle",
            {
                -1: 1 / 25, 0: 1 / 25, 0.125: (1 + 1 / 25) / 2, 0.25: 1,
                0.625: (1 + END) / 2, 1: END, 2: END,
            },
        ),
        ("one_cycle(0.5, 0.1, 0)", {0: 0.1, 0.25: 0.55, 0.5: 1, 0.75: 0.5, 1: 0}),
        ("inverse_sqrt(0.25)", {-1: 0, 0: 0, 0.125: 0.5, 0.25: 1, 1: 0.5, 2: 0.5}),
        ("warmup(0.2) >> linear", {-1: 0, 0: 0, 0.1: 0.5, 0.2: 1, 0.6: 0.5, 1: 0, 2: 0}),
        ("warmup(0.5, start=0.5) >> constant(2)", {-1: 1, 0: 1, 0.25: 1.5, 0.5: 2, 2: 2}),
        ("warmup(0.5)>>warmup(0.5)(3)", None),
        (
            "join([constant, linear, constant(0.1)], [0.5, 0.75])",
            {-1: 1, 0.49: 1, 0.5: 1, 0.625: 0.5, 0.75: 0.1, 1: 0.1, 2: 0.1},
        ),
    ],
)  # fmt: skip
def test_a_schedule_has_its_closed_form_past_both_ends(text, values):
    if values is None:
        with pytest.raises(ConfigError):
            schedules.get(text)
        return
    schedule = schedules.get(text)
    for progress, value in values.items():
        assert schedule(progress) == pytest.approx(value, abs=1e-12), progress


def test_the_defaults_stay_between_zero_and_one():
    for name in schedules.WORDS.bare():
        schedule = schedules.get(name)
        assert all(0 <= schedule(step / 997) <= 1 + 1e-12 for step in range(998)), name


def test_a_warmup_goes_before_any_schedule_and_meets_it():
    for name in schedules.WORDS.bare():
        plain, warmed = schedules.get(name), schedules.get(f"warmup(0.25) >> {name}")
        assert warmed(0.0) == 0
        assert warmed(0.25) == pytest.approx(plain(0.0)), name
        assert warmed(0.625) == pytest.approx(plain(0.5)), name
        assert warmed(1.0) == pytest.approx(plain(1.0)), name


def test_one_cycle_peaks_once():
    schedule = schedules.one_cycle()
    values = [schedule(step / 1000) for step in range(1001)]
    turns = sum(
        math.copysign(1, b - a) != math.copysign(1, c - b)
        for a, b, c in zip(values, values[1:], values[2:], strict=False)
    )
    assert turns == 1


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("cosin", 1, "Unknown schedule 'cosin'. Did you mean 'cosine'? Known: constant, cosine,"),
        ("warmup(0.05) >> cosin(1)", 17, "Unknown schedule 'cosin'. Did you mean 'cosine'?"),
        ("  linear(1, x)", 13, "Unknown schedule 'x'"),
        ("cosine(1,", 7, "'(' was never closed"),
        (" ", 1, "expected a schedule. Known: constant, cosine, exponential"),
        ("cosine(-1)", 1, "start must be a number of at least 0, received -1"),
        ("cosine(1e999)", 1, "start must be a number of at least 0, received inf"),
        ("cosine(1, 0, 3)", 1, "takes from 0 to 2 positional arguments but 3 were given"),
        ("cosine(begin=1)", 1, "Unknown argument of cosine 'begin'"),
        ("cosine(**3)", 10, "** cannot stand here"),
        ("cosine >> linear", 1, "write >> between a warmup and a schedule"),
        ("warmup >> 3", 1, "write >> between a warmup and a schedule"),
        ("warmup >> warmup", 1, "write >> between a warmup and a schedule"),
        ("cosine + linear", 1, "cosine + linear cannot stand in a schedule"),
        ("(lambda: 1)()", 1, "lambda: 1 is not a name"),
        ("schedules.cosine(1)", 1, "schedules.cosine is not a name"),
        ("linear(1/0)", 8, "1/0 cannot stand in a schedule"),
        ("linear(True)", 1, "start must be a number of at least 0, received True"),
        ("linear('1')", 1, "start must be a number of at least 0, received '1'"),
        ("exponential(1, 0)", 1, "end must be a number above 0, received 0"),
        ("step(every=0)", 1, "every must be a fraction of at least 0.001 and below 1, received 0"),
        ("step(at=[0.9, 0.5])", 1, "at must rise, received [0.9, 0.5]"),
        ("step(at=0.5)", 1, "at must be a list of fractions, received 0.5"),
        ("restarts(1.5)", 1, "cycles must be a whole number in 1..100, received 1.5"),
        ("restarts(1000000000)", 1, "cycles must be a whole number in 1..100, received 1000000000"),
        ("warmup(1) >> cosine", 1, "fraction must be a fraction above 0 and below 1, received 1"),
        (
            "join([cosine], [0.5])",
            1,
            "one fraction fewer than schedules, received 1 schedules and 1",
        ),
        ("join([1], [])", 1, "join needs a list of schedules, received [1]"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_column(text, column, message):
    with pytest.raises(ConfigError) as caught:
        schedules.get(text)
    assert str(caught.value).startswith(f"Cannot read {text!r}, column {column}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["warmup(0.05)", "1", "[cosine]"])
def test_what_is_not_a_schedule_by_itself_is_refused(text):
    with pytest.raises(ConfigError, match="is not a schedule by itself"):
        schedules.get(text)


def test_nothing_is_ever_evaluated(tmp_path):
    trap = tmp_path / "trap"
    with pytest.raises(ConfigError, match="Unknown schedule"):
        schedules.get(f"open({str(trap)!r}, 'w')")
    assert not trap.exists()


def test_a_training_of_one_step_is_at_the_middle_of_its_schedule():
    assert schedules.tabulate(schedules.get("warmup(0.1) >> one_cycle"), 2.0, 1)[0] > 1
    assert schedules.tabulate(schedules.get("linear"), 2.0, 1) == [1.0]
