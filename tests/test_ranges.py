import re

import pytest

from fashion_zoo.errors import ConfigError
from fashion_zoo.spaces import ranges
from fashion_zoo.spaces.ranges import Choice, Float, OrZero, Whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("log(1e-4, 1e-2)", Float(1e-4, 1e-2, log=True)),
        ("uniform(0, 0.5)", Float(0.0, 0.5)),
        ("uniform(-1, 1/2)", Float(-1.0, 0.5)),
        ("whole(1, 5)", Whole(1, 5)),
        ("whole(64, 256, step=64)", Whole(64, 256, 64)),
        ("choice('relu', 'gelu')", Choice(("relu", "gelu"))),
        ("choice('flip | shift(2)')", Choice(("flip | shift(2)",))),
        ("choice(128, 256)", Choice((128, 256))),
        ("choice(0, 0.1)", Choice((0.0, 0.1))),
        ("choice(True, False)", Choice((True, False))),
        ("0 | log(1e-6, 1e-3)", OrZero(Float(1e-6, 1e-3, log=True))),
        ("'adamw'", Choice(("adamw",))),
        ("0.1", Choice((0.1,))),
    ],
)
def test_a_range_is_read(text, expected):
    assert ranges.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("log(0, 1)", "column 1: low must be a number above 0, received 0"),
        ("log(1, 0.1)", "log needs low below high, received 1 and 0.1."),
        ("uniform(1, 1)", "uniform needs low below high, received 1 and 1."),
        ("whole(1.5, 3)", "low must be a whole number, received 1.5."),
        ("whole(1, 4, 2)", "high must be low plus a multiple of step=2, received 4."),
        ("choice()", "choice needs at least one value, received none."),
        ("choice(1, 1)", "choice needs values that differ and are of one kind, received [1, 1]."),
        ("choice('a', 1)", "differ and are of one kind, received ['a', 1]."),
        ("choice([1, 2])", "choice takes numbers and quoted text, received [1, 2]."),
        ("1 | log(1, 2)", "| stands between 0 and a range above 0"),
        ("0 | uniform(0, 1)", "| stands between 0 and a range above 0"),
        ("0 | choice(1)", "| stands between 0 and a range above 0"),
        ("lgo(1, 2)", "Unknown range 'lgo'. Did you mean 'log'?"),
        ("adamw", "Unknown range 'adamw'"),
        ("[1, 2]", "'[1, 2]' is not a range by itself. Write one such as 'log(1e-4, 1e-2)'."),
        ("", "expected a range. Known: choice, log, uniform, whole."),
    ],
)
def test_a_bad_range_is_one_sentence(text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        ranges.parse(text)


@pytest.mark.parametrize(
    ("found", "value", "nearest"),
    [
        (Float(0.1, 0.5), 0.0, 0.1),
        (Float(0.1, 0.5), 0.3, 0.3),
        (Float(0.1, 0.5), 7, 0.5),
        (Whole(2, 8, 3), 4, 5),
        (Whole(2, 8, 3), 9, 8),
        (Choice((64, 256, 512)), 300, 256),
        (Choice(("adam", "sgd")), "adamw", "adam"),
        (Choice(("adam", "sgd")), "sgd", "sgd"),
    ],
)
def test_the_nearest_value_of_a_range(found, value, nearest):
    assert found.nearest(value) == nearest
    assert found.nearest(nearest) == nearest


@pytest.mark.parametrize(
    ("value", "parsed"),
    [("adamw", "adamw"), ("0.1", 0.1), ("256", 256), ("True", True), ("flip | shift(2)",) * 2],
)
def test_a_fixed_value_is_a_choice_of_one(value, parsed):
    assert ranges.parse(ranges.fixed(value)) == Choice((parsed,))
