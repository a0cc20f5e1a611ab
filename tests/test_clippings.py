"""Clippings by their formulas, on given gradients, in every optimizer and under loss scaling."""

import keras
import numpy as np
import pytest

from fashion_zoo import ConfigError, clippings
from fashion_zoo.clippings import WORDS
from fashion_zoo.optimizers import WORDS as OPTIMIZERS, build_optimizer, is_measured, to_keras

in_a_step = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="there loss scaling works inside fit only"
)
BOTH = ("gradient_norm", "zero_gradients")
NAMES = ("kernel", "bias", "logits", "logits_bias")
GRADIENTS = [
    np.array([[3.0, 0.0, 0.004], [4.0, 0.0, -0.003]], "float32"),  # columns of norm 5, 0 and 0.005
    np.array([0.6, -0.8, 0.0], "float32"),
    np.array([[12.0], [0.0], [5.0]], "float32"),
    np.array([-2.0], "float32"),
]
WEIGHTS = [
    np.array([[0.3, 1.0, 0.0], [0.4, 1.0, 0.0]], "float32"),  # columns of norm 0.5, 1.4 and 0
    np.array([2.0, 0.0, 0.0], "float32"),
    np.ones((3, 1), "float32"),
    np.zeros(1, "float32"),
]
ALL = float(np.sqrt(sum(np.square(one).sum() for one in GRADIENTS)))
EXPECTED = {
    "none": GRADIENTS,
    "global_norm(2)": [one * np.float32(2 / ALL) for one in GRADIENTS],
    "global_norm(100)": GRADIENTS,
    "norm(1)": [one / max(1, np.sqrt(np.square(one).sum())) for one in GRADIENTS],
    "value(0.5)": [one.clip(-0.5, 0.5) for one in GRADIENTS],
    "adaptive(0.1)": [
        # |w| of the last column counts as 0.001, so its limit is 0.0001
        GRADIENTS[0] * np.array([0.1 * 0.5 / 5, 1.0, 0.1 * 0.001 / 0.005], "float32"),
        GRADIENTS[1] * np.float32(0.1 * 2.0 / 1.0),
        *GRADIENTS[2:],  # the logits are not clipped
    ],
}  # fmt: skip


def built(text, optimizer="sgd(momentum=0.0, nesterov=False)", **options):
    """Return an optimizer at rate 1, so that a step subtracts what is left of the gradient."""
    made = build_optimizer(
        OPTIMIZERS.parse(optimizer), learning_rate=1.0, clipping=WORDS.parse(text), **options
    )
    pairs = zip(WEIGHTS, NAMES, strict=True)
    variables = [keras.Variable(one, name=name) for one, name in pairs]
    made.build(variables)
    return made, variables


def values(variables):
    return [keras.ops.convert_to_numpy(one) for one in variables]


@pytest.mark.formula(10)
@pytest.mark.parametrize(
    "scaled", [False, pytest.param(True, marks=in_a_step)], ids=["plain", "scaled"]
)
@pytest.mark.parametrize("text", EXPECTED)
def test_a_step_subtracts_the_gradient_within_its_limit(text, scaled):
    made, variables = built(text, scale_loss=scaled, measures=BOTH)
    scale = float(made.dynamic_scale) if scaled else 1.0
    inner = made.inner_optimizer if scaled else made
    made.apply([keras.ops.convert_to_tensor(scale * one) for one in GRADIENTS], variables)
    for before, after, expected in zip(WEIGHTS, values(variables), EXPECTED[text], strict=True):
        assert before - after == pytest.approx(expected, rel=1e-5, abs=1e-7)
    found = inner.measures.read()
    assert found == pytest.approx(
        {"gradient_norm": ALL, "zero_gradients": 4 / 13, "gradient_norm_max": ALL}, rel=1e-6
    )


@pytest.mark.parametrize("text", ["global_norm(2)", "adaptive(0.1)"])
def test_the_mean_of_accumulated_gradients_is_measured_and_clipped(text):
    made, variables = built(text, measures=BOTH, accumulation=2)
    for factor in (0.5, 1.5):
        made.apply([keras.ops.convert_to_tensor(factor * one) for one in GRADIENTS], variables)
    for before, after, expected in zip(WEIGHTS, values(variables), EXPECTED[text], strict=True):
        assert before - after == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert made.measures.read()["gradient_norm_max"] == pytest.approx(ALL)


@pytest.mark.formula(18)
@in_a_step
def test_measurements_are_of_an_epoch_and_a_skipped_step_is_none():
    made, variables = built("none", scale_loss=True, measures=BOTH)
    measures = made.inner_optimizer.measures
    infinite = [keras.ops.full(one.shape, np.inf) for one in GRADIENTS]
    made.apply(infinite, variables)
    assert np.isnan(measures.read()["gradient_norm"])
    for factor in (1.0, 3.0):
        scaled = float(made.dynamic_scale) * factor
        made.apply([keras.ops.convert_to_tensor(scaled * one) for one in GRADIENTS], variables)
    found = measures.read()
    assert found["gradient_norm"] == pytest.approx(2 * ALL)
    assert found["gradient_norm_max"] == pytest.approx(3 * ALL)
    measures.start()
    assert measures.read()["gradient_norm_max"] == 0


def test_nothing_is_added_to_an_optimizer_that_neither_measures_nor_clips_itself():
    for text in ("none", "norm(1)"):
        made, _ = built(text)
        assert not any(map(is_measured, made.variables))
        assert "_clip_gradients" not in vars(made)


def test_a_saved_optimizer_has_keras_own_arguments():
    made, _ = built("norm(2)", "adam", accumulation=3, measures=BOTH)
    plain = to_keras(made)
    assert (plain.clipnorm, plain.gradient_accumulation_steps) == (2.0, 3)
    assert "measures" not in vars(plain)
    adaptive, _ = built("adaptive", "adam")
    assert to_keras(adaptive).global_clipnorm is None


def test_a_clipping_of_ones_own_is_used():
    def halved(gradients, variables):
        assert [one.shape for one in variables] == [one.shape for one in WEIGHTS]
        return [one / 2 for one in gradients]

    own = clippings.Clipping(clip=halved)
    chosen = OPTIMIZERS.parse("sgd(momentum=0.0, nesterov=False)")
    made = build_optimizer(chosen, learning_rate=1.0, clipping=own)
    variables = [keras.Variable(one) for one in WEIGHTS]
    made.build(variables)
    made.apply(list(map(keras.ops.convert_to_tensor, GRADIENTS)), variables)
    assert values(variables)[0] == pytest.approx(WEIGHTS[0] - GRADIENTS[0] / 2)


@pytest.mark.parametrize(
    "text", ["global_norm(0)", "norm(-1)", "value(0)", "adaptive(0)", "global_norm('a')"]
)
def test_a_limit_that_makes_no_sense_is_refused(text):
    with pytest.raises(ConfigError):
        WORDS.parse(text)


@pytest.mark.parametrize("word", OPTIMIZERS)
def test_every_optimizer_steps_by_the_mean_of_accumulated_gradients(word):
    chosen = OPTIMIZERS.parse(word)
    found = []
    for accumulation, factors in ((1, (1.0, 1.0)), (2, (0.5, 1.5, 0.25, 1.75))):
        made = build_optimizer(
            chosen, learning_rate=0.1, clipping=clippings.norm(1), accumulation=accumulation
        )
        variables = [
            keras.Variable(one, name=name) for one, name in zip(WEIGHTS, NAMES, strict=True)
        ]
        made.build(variables)
        for factor in factors:
            made.apply([keras.ops.convert_to_tensor(factor * one) for one in GRADIENTS], variables)
        found.append(values(variables))
    for one, other in zip(*found, strict=True):
        assert one == pytest.approx(other, rel=1e-5, abs=1e-6)
    assert np.abs(found[0][0] - WEIGHTS[0]).max() > 1e-6
