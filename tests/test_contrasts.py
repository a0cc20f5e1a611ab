"""Effects of a factorial design, as contrasts of arms."""

import re

import pytest

import fashion_zoo
from fashion_zoo import experiments
from recipes.experiments import regularizers


def test_effects_are_those_of_a_factorial_design():
    arms = {frozenset(): "0", frozenset("a"): "a", frozenset("b"): "b", frozenset("ab"): "ab"}
    found = experiments.effects(["a", "b"], arms)
    assert list(found) == ["a", "b", "a x b"]
    assert found["a"] == {"0": -0.5, "a": 0.5, "b": -0.5, "ab": 0.5}
    assert found["a x b"] == {"0": 0.5, "a": -0.5, "b": -0.5, "ab": 0.5}
    assert sum(found["a x b"].values()) == 0
    three = experiments.effects(list("abc"), {some: str(some) for some in regularizers.SETS})
    assert {abs(weight) for own in three.values() for weight in own.values()} == {0.25}


def test_an_effect_that_cannot_be_tested_is_answered():
    arms = ["a", "b"]
    for weights, answer in (
        ({"a": 1.0, "c": -1.0}, "arm of the effect 'x'"),
        ({"a": 1.0, "b": 1.0}, "needs weights of arms with the sum 0, received {'a': 1.0"),
        ({}, "needs weights of arms with the sum 0, received {}"),
    ):
        with pytest.raises(fashion_zoo.ConfigError, match=re.escape(answer)):
            experiments.Contrast("x", weights=weights).check(arms)
    with pytest.raises(fashion_zoo.ConfigError, match="Unknown direction 'up'"):
        experiments.Contrast("x", weights={"a": 1, "b": -1}, direction="up")
