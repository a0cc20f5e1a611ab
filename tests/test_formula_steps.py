"""The NumPy of the guide's pages beside what changes weights: optimizers, schedules, stopping."""

import ast
import inspect
import operator
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from guide import TOLERANCE, cells, close, drawn, formula
from keras.optimizers.schedules import CosineDecay, ExponentialDecay
from rounding import SUMS

import fashion_zoo
from fashion_zoo import clippings, schedules
from fashion_zoo.callbacks import EarlyStopping
from fashion_zoo.optimizers import WORDS, FusedAdam, FusedAdamW, build_optimizer

precise = pytest.mark.parametrize("dtype", TOLERANCE)


def stepped(optimizer, start, gradients, dtype):
    """Return the weights after each step from ``start``."""
    weight = keras.Variable(start, dtype=dtype, name="kernel")
    optimizer.build([weight])
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, dtype)], [weight])
        yield weight.numpy().astype("float64")


@pytest.mark.formula(6)
@precise
def test_the_gradient_of_the_penalty_has_a_factor_2(dtype):
    w = drawn(5, 3, dtype=dtype)
    given = {"w": w.astype("float64"), "g": 0.0, "rate": 0.1, "decay": 0.6}
    layer = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.3), dtype=dtype)
    layer.build((None, 5))
    layer.kernel.assign(w)
    with tf.GradientTape() as tape:
        (loss,) = layer.losses
    page = formula(6, **given, strength=0.3)
    assert close(loss, page.penalty, dtype)
    assert close(tape.gradient(loss, layer.kernel.value), page.g_penalty, dtype)
    assert page.strength_of_decay == page.strength


@pytest.mark.formula(6)
@precise
def test_penalty_and_decay_are_one_under_sgd_and_differ_under_adam(dtype):
    w, g = drawn(4, dtype=dtype).astype("float64"), np.array([1e-3, 0.1, 1.0, 10.0])
    given = {"g": g, "rate": 0.1, "decay": 0.6}
    page = formula(6, w=w, **given, strength=0.3)
    assert page.strength_of_decay == 0.3
    plain, penalized = [g], [g + page.g_penalty]
    sgd = WORDS.parse("sgd(momentum=0.0, nesterov=False)")
    (found,) = stepped(build_optimizer(sgd, learning_rate=0.1), w, penalized, dtype)
    assert close(found, page.w_penalized, dtype)
    decayed = keras.optimizers.SGD(0.1, weight_decay=0.6)
    (found,) = stepped(decayed, w, plain, dtype)
    assert close(found, page.w_decayed, dtype)
    assert close(page.w_penalized, page.w_decayed, "float64")
    (by_penalty,) = stepped(FusedAdam(0.1), w, penalized, dtype)
    for kind in (FusedAdamW, keras.optimizers.AdamW):
        (by_decay,) = stepped(kind(0.1, weight_decay=0.6), w, plain, dtype)
        adam = formula(8, m=0, v=0, g=g, t=1, w=0, rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
        # the page with the step of Adam in place of that of SGD
        page = formula(6, w=w, **{**given, "g": adam.step_keras / 0.1}, strength=0.3)
        assert close(by_decay, page.w_decayed, dtype)
    assert np.abs(by_penalty - by_decay).max() > 0.01


@pytest.mark.formula(8)
@precise
@pytest.mark.parametrize("kind", [keras.optimizers.Adam, FusedAdam])
@pytest.mark.parametrize("epsilon", [1e-7, 0.1])
def test_adam_corrects_its_bias_and_where_epsilon_stands(epsilon, kind, dtype):
    betas = {"beta_1": 0.875, "beta_2": 0.984375}  # which float32 holds, as Keras keeps them
    gradients = drawn(20, 3, dtype=dtype).astype("float64")
    optimizer = kind(0.0625, epsilon=epsilon, **betas)
    start = drawn(3, dtype=dtype).astype("float64")
    w, m, v, apart = start, 0, 0, 0
    for t, found in enumerate(stepped(optimizer, start, gradients, dtype), start=1):
        given = {"g": gradients[t - 1], "t": t, "rate": 0.0625, **betas}
        page = formula(8, **given, m=m, v=v, w=w, epsilon=epsilon)
        larger = epsilon / np.sqrt(1 - betas["beta_2"] ** t)
        assert close(
            formula(8, **given, m=m, v=v, w=w, epsilon=larger).step, page.step_keras, "float64"
        )
        if t == 1 and epsilon < 1e-6:
            assert page.m_hat == pytest.approx(gradients[0])
            assert page.step == pytest.approx(0.0625 * np.sign(gradients[0]), rel=1e-5)
        assert np.array_equal(page.w, w - page.step)
        w, m, v = w - page.step_keras, page.m, page.v
        apart = max(apart, np.abs(page.step - page.step_keras).max())
        assert close(found, w, dtype)
    assert (apart > 1e-3) == (epsilon > 1e-3)


@pytest.mark.formula(9)
def test_schedules_are_those_of_keras_and_of_the_page():
    epochs, step_size, gamma, lr_max, lr_min, steps = 30, 10, 0.3, 0.5, 0.02, 7
    epoch = np.arange(epochs)
    numbers = {"epochs": epochs, "step_size": step_size, "lr_max": lr_max, "lr_min": lr_min}
    page = formula(9, epoch=epoch, gamma=gamma, **numbers)
    for expected, ours, stock in (
        (
            page.step_lr,
            schedules.step(gamma, every=step_size / epochs),
            ExponentialDecay(lr_max, step_size * steps, gamma, staircase=True),
        ),
        (
            page.exponential_lr,
            schedules.exponential(1, gamma**epochs),
            ExponentialDecay(lr_max, steps, gamma),
        ),
        (
            page.cosine_lr,
            schedules.cosine(1, lr_min / lr_max),
            CosineDecay(lr_max, epochs * steps, alpha=lr_min / lr_max),
        ),
    ):
        assert close([lr_max * ours(one / epochs) for one in epoch], expected, "float64")
        assert close([stock(one * steps) for one in epoch], expected, "float32")
    end = formula(9, epoch=epochs, gamma=gamma, **numbers)
    assert schedules.step(gamma, every=step_size / epochs)(1.0) == pytest.approx(gamma**2)
    assert end.step_lr == pytest.approx(lr_max * gamma**3)  # a drop that trains nothing
    table = schedules.tabulate(schedules.cosine(1, lr_min / lr_max), lr_max, 7)
    assert (table[0], table[-1]) == pytest.approx((lr_max, end.cosine_lr))


@pytest.mark.formula(10)
@precise
def test_clipping_by_the_global_norm_keeps_the_direction(dtype):
    g = [drawn(3, 4, dtype=dtype), 10 * drawn(5, dtype=dtype)]
    whole = [one.astype("float64") for one in g]
    flat = np.concatenate([one.ravel() for one in whole])

    def turned(clipped):
        clipped = np.concatenate([one.ravel() for one in clipped])
        return 1 - clipped @ flat / np.linalg.norm(clipped) / np.linalg.norm(flat)

    page = formula(10, g=whole, limit=2.0)
    for word, expected, straight in (
        ("global_norm(2)", page.clipped, True),
        ("norm(2)", page.by_norm, False),
        ("value(2)", page.by_value, False),
    ):
        sgd = WORDS.parse("sgd(momentum=0.0, nesterov=False)")
        clipping = clippings.WORDS.parse(word)
        optimizer = build_optimizer(sgd, learning_rate=1.0, clipping=clipping)
        variables = [keras.Variable(np.zeros_like(one), dtype=dtype) for one in g]
        optimizer.build(variables)
        optimizer.apply([tf.constant(one) for one in g], variables)
        for variable, one in zip(variables, expected, strict=True):
            assert close(-variable.numpy(), one, dtype)
        assert (turned(expected) < 1e-12) == straight
    small = formula(10, g=whole, limit=1000.0)
    assert all(np.array_equal(*pair) for pair in zip(small.clipped, whole, strict=True))


@pytest.mark.formula(18)
def test_loss_scaling_keeps_what_float16_would_lose():
    sgd = WORDS.parse("sgd(momentum=0.0, nesterov=False)")
    optimizer = build_optimizer(sgd, learning_rate=1.0, scale_loss=True)
    weight = keras.Variable(np.zeros(3), dtype="float32")
    optimizer.build([weight])
    scale = float(optimizer.dynamic_scale)
    page = formula(18, g=np.array([1e-9, -2e-8, 1e-3], "float32"), scale=scale)
    optimizer.apply([tf.cast(page.g_scaled, "float32")], [weight])
    assert page.g_lost[:2].tolist() == [0, 0]
    assert page.g_found == pytest.approx(page.g, rel=2**-10)  # of which float16 has 11 bits
    assert -weight.numpy() == pytest.approx(page.g_found, rel=SUMS)
    assert float(optimizer.dynamic_scale) == page.next_scale == scale
    with np.errstate(over="ignore"):
        page = formula(18, g=np.array([3.0, 1.0, 1e-3]), scale=scale)
    before = weight.numpy()
    optimizer.apply([tf.cast(page.g_scaled, "float32")], [weight])
    assert np.array_equal(weight.numpy(), before)
    assert float(optimizer.dynamic_scale) == page.next_scale == scale / 2


@pytest.mark.formula(15)
@pytest.mark.parametrize("min_delta", [0.0, 0.05])
@pytest.mark.parametrize("patience", [0, 1, 7])
def test_early_stopping_waits_for_its_patience(patience, min_delta):
    stopped = set()
    for seed in range(8):
        losses = np.exp(-np.arange(40) / 8) + np.random.default_rng(seed).uniform(0, 0.3, 40)
        page = formula(15, losses=losses, patience=patience, min_delta=min_delta)
        for kind in (EarlyStopping, keras.callbacks.EarlyStopping):
            callback = kind(monitor="val_loss", mode="min", patience=patience, min_delta=min_delta)
            callback.set_model(types.SimpleNamespace(stop_training=False))
            callback.on_train_begin()
            epochs = iter(enumerate(losses))
            while not callback.model.stop_training and (one := next(epochs, None)):
                callback.on_epoch_end(one[0], {"val_loss": one[1]})
            assert callback.best == page.best
            assert (callback.stopped_epoch + 1 if callback.stopped_epoch else None) == page.stopped
        stopped.add(page.stopped)
    assert len(stopped) > 2


def called(text):
    """Return the object that a cell names, and the arguments that it writes out."""
    call = ast.parse(text.strip("`"), mode="eval").body
    where, given = (call.func, call.keywords) if isinstance(call, ast.Call) else (call, [])
    package, _, name = ast.unparse(where).partition(".")
    found = operator.attrgetter(name)({"keras": keras, "fashion_zoo": fashion_zoo}[package])
    return found, {one.arg: ast.literal_eval(one.value) for one in given}


@pytest.mark.formula(12)
@pytest.mark.parametrize("row", cells(12), ids=lambda row: row[0].strip("`"))
def test_the_defaults_of_the_table_are_those_of_the_signatures(row):
    for cell in row[1:3]:
        if "." in cell:
            found, given = called(cell)
            parameters = inspect.signature(found).parameters
            assert {name: parameters[name].default for name in given} == given
