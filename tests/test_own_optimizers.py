"""Optimizers of this package against their papers in NumPy, PyTorch and closed forms."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from fashion_zoo import ConfigError, clippings
from fashion_zoo.optimizers import (
    WORDS,
    AdaBound,
    build_optimizer,
    last_step,
    replacement,
    to_keras,
)

STORED = json.loads((Path(__file__).parent / "data" / "radam.json").read_text())
START = np.array(STORED["start"])
GRADIENTS = np.array(STORED["gradients"], "float32").astype("float64")  # fit rounds its inputs
RATES = np.linspace(0.02, 0.005, 100).astype("float32")
DECAYS = np.linspace(0.0, 0.1, 100).astype("float32")
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
FINEST = "float32" if keras.backend.backend() == "jax" else "float64"  # jax has none by default


def means(gradients, beta_1=0.9, beta_2=0.999):
    m = v = np.zeros(3)
    for t, gradient in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        yield t, m, v, 1 - beta_1**t, 1 - beta_2**t


def adam(gradients, rates):
    """Kingma & Ba 2015, the form before section 2.1."""
    for (_, m, v, first, second), rate in zip(means(gradients), rates, strict=True):
        yield rate * np.sqrt(second) / first * m / (np.sqrt(v) + 1e-7)


def radam(gradients, rates, threshold=5, epsilon=1e-7):
    """Liu et al. 2020, algorithm 2; epsilon as in the authors' code."""
    limit = 2 / (1 - 0.999) - 1
    for (t, m, v, first, second), rate in zip(means(gradients), rates, strict=True):
        rho = limit - 2 * t * 0.999**t / second
        step = rate * m / first
        if rho > threshold:
            r = ((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) ** 0.5
            step = step * r * np.sqrt(second) / (np.sqrt(v) + epsilon)
        yield step


def adabound(gradients, rates):
    """Luo et al. 2019, algorithm 2 with the bias corrections of its code."""
    for (t, m, v, first, second), rate in zip(means(gradients), rates, strict=True):
        final = 0.1 * rate / max(rates)
        each = rate * np.sqrt(second) / first / (np.sqrt(v) + 1e-7)
        yield m * np.clip(each, final * (1 - 1 / (1e-3 * t + 1)), final * (1 + 1 / (1e-3 * t)))


def schedule_free(gradients, rates, beta=0.9):
    """Defazio et al. 2024, equations 1 to 3, with Adam's squares."""
    x = y = z = START
    for (t, _, v, _, second), rate in zip(means(gradients), rates, strict=True):
        z = z - rate * gradients[t - 1] / (np.sqrt(v / second) + 1e-8)
        x = (1 - 1 / t) * x + z / t
        before, y = y, (1 - beta) * z + beta * x
        yield before - y


def sgd(gradients, rates):
    for gradient, rate in zip(gradients, rates, strict=True):
        yield rate * gradient


def walked(steps, rates, decays=None, k=0, alpha=0.5):
    """Return the weights after each step: decay, update, and what Lookahead makes of them."""
    weight = slow = START
    for t, step in enumerate(steps):
        weight = weight - (0 if decays is None else rates[t] * decays[t] * weight) - step
        if k and (t + 1) % k == 0:
            weight = slow = slow + alpha * (weight - slow)
        yield weight


def fitted(word, loss, inputs, start, steps=8, jit=False, **options):
    """Return the kernel that ``fit`` trains from ``start``, one row of the inputs a step."""
    dtype = str(inputs.dtype)
    layer = keras.layers.Dense(start.shape[1], use_bias=False, dtype=dtype)
    model = keras.Sequential([keras.Input(inputs.shape[1:], dtype=dtype), layer])
    layer.kernel.assign(start)
    model.compile(
        build_optimizer(WORDS.parse(word), **options),
        lambda labels, outputs: loss(outputs),
        steps_per_execution=1 if keras.backend.backend() == "torch" else steps,
        jit_compile=jit,
    )
    if jit:  # as ``compile_model`` does: within a step, XLA cannot copy the weights
        model.optimizer.build(model.trainable_variables)
    model.fit(inputs, np.zeros((len(inputs), 1), dtype), batch_size=1, shuffle=False, verbose=0)
    return keras.ops.convert_to_numpy(layer.kernel)


def ours(word, dtype, **options):
    """Return the weights after the stored gradients: those of a linear output are its inputs."""
    inputs, start = GRADIENTS.astype(dtype), START[:, None]
    given = {"learning_rate": RATES, **options}
    return fitted(word, keras.ops.mean, inputs, start, **given)[:, 0]


CASES = {
    "adam": (adam, {}),
    "adamw": (adam, {}),
    "radam": (radam, {}),
    "radam(threshold=4)": (lambda *given: radam(*given, threshold=4), {}),
    "adabound": (adabound, {}),
    "schedule_free_adamw": (schedule_free, {}),
    "lookahead(radam, k=7, alpha=0.3)": (radam, {"k": 7, "alpha": 0.3}),
    "lookahead(adabound)": (adabound, {"k": 6}),
    "lookahead(adamw, 5)": (adam, {"k": 5}),
    "lookahead(sgd(0, False), 5, 0.8)": (sgd, {"k": 5, "alpha": 0.8}),
}


SLOW = pytest.mark.slow
OWN = [word for word in CASES if any(own in word for own in ("radam", "adabound", "schedule_free"))]
AROUND = "lookahead(adamw, 5)"  # an optimizer of Keras's
KERASS = [word for word in CASES if word not in (*OWN, AROUND)]


@pytest.mark.formula(8)
@pytest.mark.parametrize(
    ("word", "dtype", "steps", "jit"),
    [
        (AROUND, "float32", 8, False),  # Keras's round their betas to float32
        *((word, FINEST, 8, False) for word in OWN),
        *(pytest.param(word, "float32", 8, False, marks=SLOW) for word in KERASS),
        *(pytest.param(word, "float32", 1, False, marks=SLOW) for word in CASES),
        *(pytest.param(word, "float32", 8, True, marks=SLOW) for word in CASES),
    ],
)
def test_a_hundred_steps_are_those_of_the_paper(word, dtype, steps, jit):
    reference, ahead = CASES[word]
    decays = DECAYS if WORDS.parse(word).decays else None
    rates = RATES.astype("float64")
    *_, expected = walked(reference(GRADIENTS, rates), rates, decays, **ahead)
    options = {} if decays is None else {"weight_decay": decays}
    found = ours(word, dtype, steps=steps, jit=jit, **options)
    assert np.abs(found - expected).max() <= TOLERANCE[dtype] * np.abs(expected).max()


def test_clipping_comes_before_the_update():
    norms = np.linalg.norm(GRADIENTS, axis=1, keepdims=True)
    clipped = GRADIENTS * np.minimum(1, 0.5 / norms)
    rates = RATES.astype("float64")
    *_, expected = walked(radam(clipped, rates), rates)
    assert ours("radam", "float32", clipping=clippings.global_norm(0.5)) == pytest.approx(
        expected, rel=1e-5
    )


def test_radam_is_that_of_pytorch():
    found = ours("radam(epsilon=1e-8)", FINEST, learning_rate=0.01)
    assert found == pytest.approx(np.array(STORED["weights"][-1]), rel=1e-6)


def test_lookahead_around_sgd_is_its_closed_form_on_a_quadratic():
    """w shrinks by 1 - rate a step, and the slow weights by 1 - alpha + alpha (1 - rate)^k."""
    for steps in (4, 53):
        found = fitted(
            "lookahead(sgd(0), 5, 0.25)",
            lambda w: keras.ops.sum(w**2) / 2,
            np.ones((steps, 1), "float32"),
            START[None],
            learning_rate=0.1,
        )
        outer = (1 - 0.25 + 0.25 * 0.9**5) ** (steps // 5)
        assert found[0] == pytest.approx(START * outer * 0.9 ** (steps % 5), rel=1e-6)


def rosenbrock(w):
    return keras.ops.sum((1 - w[:, 0]) ** 2 + 10 * (w[:, 1] - w[:, 0] ** 2) ** 2)


@pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="2,000 steps of fit take half a minute there"
)
@pytest.mark.parametrize(
    ("word", "rate"),
    [
        pytest.param("radam", 0.02, marks=pytest.mark.slow),
        pytest.param("adabound(final_learning_rate=0.02)", 0.02, marks=pytest.mark.slow),
        pytest.param("lookahead(radam)", 0.05, marks=pytest.mark.slow),
        ("lookahead(sgd)", 0.002),
    ],
)
@pytest.mark.parametrize(
    "problem", [pytest.param("quadratic", marks=pytest.mark.slow), "rosenbrock"]
)
def test_an_optimizer_finds_the_least_value(word, rate, problem):
    losses = {"quadratic": lambda w: keras.ops.sum((w - 1) ** 2), "rosenbrock": rosenbrock}
    start = np.array([[-0.5, 1.0]])
    ones = np.ones((2000, 1), "float32")
    found = fitted(word, losses[problem], ones, start, steps=500, learning_rate=rate)
    assert np.abs(found - 1).max() < 0.01


@pytest.mark.parametrize("word", ["radam", "adabound", "lookahead(radam)"])
def test_a_model_file_has_the_nearest_optimizer_of_keras(word):
    made = build_optimizer(WORDS.parse(word), learning_rate=RATES, weight_decay=DECAYS)
    plain = to_keras(made)
    assert type(plain) is keras.optimizers.Adam
    assert replacement(made) == "Adam"
    assert float(plain.learning_rate) == last_step(made)["learning_rate"]
    same = build_optimizer(WORDS.parse("adamw"), learning_rate=RATES, weight_decay=DECAYS)
    assert replacement(same) is None


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("lookahead(3)", "lookahead takes an optimizer such as radam, received 3"),
        ("lookahead(lookahead(adam))", "received one that keeps slow weights"),
        ("lookahead(schedule_free_adamw)", "received one that keeps an average of the weights"),
        ("schedule_free_adamw(beta_1=0)", "beta_1 must be a number above 0 and below 1, received"),
        ("radam(beta_2=0.999999)", "beta_2 must be a number of at least 0 and at most 0.99999"),
    ],
)
def test_what_would_be_no_algorithm_is_answered(word, message):
    with pytest.raises(ConfigError, match=message):
        WORDS.parse(word)


def test_adabound_needs_a_number_for_its_bounds():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    with pytest.raises(ValueError, match="base_learning_rate is needed with a schedule"):
        AdaBound(schedule)


def test_the_slow_weights_stay_between_their_updates_where_fit_builds_the_optimizer():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    before = [one.copy() for one in model.get_weights()]
    optimizer = build_optimizer(WORDS.parse("lookahead(sgd, k=9)"), learning_rate=0.1)
    model.compile(optimizer=optimizer, loss="mse")
    model.fit(np.ones((12, 3)), np.ones((12, 2)), batch_size=2, verbose=0)
    slow = [keras.ops.convert_to_numpy(one) for one in optimizer._slow]
    assert all(np.array_equal(a, b) for a, b in zip(slow, before, strict=True))
    assert not np.array_equal(model.get_weights()[0], before[0])
