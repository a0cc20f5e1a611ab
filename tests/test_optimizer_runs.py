"""Every optimizer in whole runs: trained, killed, resumed, stored, and loaded again."""

import inspect
import random

import keras
import numpy as np
import pytest
from fitting import fit_recipe
from resuming import Killed, assert_same, stopped, train

import fashion_zoo
from fashion_zoo import override, recipe
from fashion_zoo.data import load
from fashion_zoo.optimizers import WORDS, build_optimizer
from fashion_zoo.training import fit as fits, session
from fashion_zoo.training.plan import plan

SLOW = pytest.mark.slow
QUICK = ["schedule_free_adamw", "lookahead(radam, k=3)"]


def options(word, precision="float32", **training):
    settings = {
        "epochs": 3,
        "batch_size": 100,
        "optimizer": word,
        "learning_rate": 0.01,
        "schedules": {"learning_rate": "constant"},
        **training,
    }
    return {
        "model": {"hidden_units": (16, 8), "dropout": (0.2, 0.1)},
        "data": {"limit": 600},
        "training": settings,
        "precision": precision,
    }


def table(word):
    return {
        "weight_decay": 0.01,
        "schedules": {"learning_rate": "one_cycle", "weight_decay": "linear"},
    } if WORDS.parse(word).decays else {}  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "settings"),
    [
        *(pytest.param(8, options(word), marks=SLOW) for word in QUICK),
        *(pytest.param(8, options(word, **table(word)), marks=SLOW) for word in WORDS),
        *(pytest.param(1, options(word, clipping="global_norm(1)"), marks=SLOW) for word in QUICK),
        *(pytest.param(8, options(word, "mixed_float16"), marks=SLOW) for word in QUICK),
    ],
    ids=lambda one: one["training"]["optimizer"] if isinstance(one, dict) else str(one),
)
def test_a_training_goes_on_after_a_kill_and_its_model_is_stored(
    tmp_path, monkeypatch, steps, settings
):
    """One epoch and two more are three, to the last bit."""
    monkeypatch.setattr(fits, "steps_of_about_a_second", lambda *_: steps)
    monkeypatch.setattr(session, "_draw_curves", lambda run: None)  # it takes a second
    whole = train(tmp_path / "whole", **settings)
    stopped(tmp_path / "r", 1, monkeypatch, **settings)
    assert_same(train(tmp_path / "r", resume=True), whole)

    training, validation = whole.read_json("training.json"), load(whole.config.data).validation
    model = keras.saving.load_model(whole.path / "model.keras", compile=True)
    reached = model.evaluate(validation.images, validation.labels, verbose=0)
    assert reached[1] == pytest.approx(training["validation_accuracy"], abs=1e-3)
    # Validation saw the weights that are kept.
    assert reached[0] == pytest.approx(whole.history()["val_loss"][-1], rel=1e-2)
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    assert type(optimizer).__module__.startswith("keras.")
    named = training.get("model_optimizer", type(optimizer).__name__)
    assert named == type(optimizer).__name__


@SLOW
@pytest.mark.parametrize("word", WORDS)
def test_ends_at_random_steps_change_nothing(tmp_path, monkeypatch, word):
    """A process that is killed leaves the same checkpoints as an error that nothing catches."""
    ends = 20 if word == "adam" else 5
    settings = options(word, **table(word), epochs=3 * ends)
    monkeypatch.setattr(fits, "steps_of_about_a_second", lambda *_: 1)
    monkeypatch.setattr(session, "_draw_curves", lambda run: None)
    chance, path = random.Random(word), tmp_path / "r"
    for _ in range(ends):
        last = chance.randint(7, 17)  # of 6 steps per epoch: one or two epochs are completed

        class Break(keras.callbacks.Callback):
            steps = 0

            def on_train_batch_end(self, batch, logs=None, last=last):
                self.steps += 1
                if self.steps == last:
                    raise Killed

        with pytest.raises(Killed):
            train(path, resume=True, callbacks=[Break()], progress=False, **settings)
    assert len(fashion_zoo.open_run(path).history()["loss"]) >= ends
    resumed = train(path, resume=True, progress=False, **settings)
    assert_same(resumed, train(tmp_path / "whole", progress=False, **settings))


@SLOW
def test_the_statistics_of_a_schedule_free_training_are_those_of_its_averaged_weights():
    """On all 600 images, which are fewer than 10,000."""
    config = override(recipe("bn_mlp").config, options("schedule_free_adamw"))
    model, _ = fit_recipe("bn_mlp", config)
    images = load(config.data).train.images.reshape(-1, *model.input_shape[1:])
    first = keras.Model(model.input, model.get_layer("batch_norm_1").input)
    inputs = first.predict(images, verbose=0)
    found = keras.ops.convert_to_numpy(model.get_layer("batch_norm_1").moving_mean)
    assert found == pytest.approx(inputs.mean(axis=0), abs=1e-4)
    assert np.abs(found).max() > 0.01


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
@pytest.mark.parametrize("word", WORDS)
def test_no_step_makes_a_variable(word, precision):
    if precision == "mixed_float16" and keras.backend.backend() != "tensorflow":
        pytest.skip("loss scaling is applied in stateless calls only")
    config = override(recipe("bn_mlp").config, options(word, precision, accumulation=2))
    planned = plan(config, np.full(10, 60))
    model = fits.compile_model(fits.build_model(recipe("bn_mlp"), config.model, planned), planned)
    before = len(model.optimizer.variables)
    weights = model.trainable_variables
    model.optimizer.apply([keras.ops.zeros(one.shape) for one in weights], weights)
    assert len(model.optimizer.variables) == before > 0


def test_every_optimizer_of_keras_is_a_word():
    """Ftrl is not: its first step sets weights without a gradient to 0."""
    kinds = {
        name.lower()
        for name, one in vars(keras.optimizers).items()
        if inspect.isclass(one) and issubclass(one, keras.optimizers.Optimizer)
    }
    wrappers = {"optimizer", "lossscaleoptimizer", "multioptimizer"}
    known = {word.replace("_", "") for word in WORDS}
    assert kinds - known == wrappers | {"ftrl"}
    weight = keras.Variable([2.0])
    keras.optimizers.Ftrl(0.1).apply([keras.ops.zeros(1)], [weight])
    assert weight.numpy() == [0.0]


OWN_DEFAULTS = {"adam", "adamw", "sgd"} | {"radam", "lookahead", "adabound"}


@pytest.mark.parametrize("word", sorted({*WORDS} - OWN_DEFAULTS))
def test_the_defaults_of_a_word_are_those_of_keras(word):
    kinds = {name.lower(): one for name, one in vars(keras.optimizers).items()}
    stock = inspect.signature(kinds[word.replace("_", "")].__init__).parameters
    for name, one in inspect.signature(WORDS[word]).parameters.items():
        assert (name, one.default) == (name, stock[name].default)


def test_muon_leaves_the_logits_to_adam():
    layers = [keras.layers.Dense(4, name=name) for name in ("dense_1", "logits")]
    keras.Sequential([keras.Input((3,)), *layers])
    muon = build_optimizer(WORDS.parse("muon"), learning_rate=0.1, weight_decay=0.5)
    kernels = [layer.kernel for layer in layers]
    muon.build(kernels)
    assert [one is None for one in muon.adam_velocities] == [True, False]
    before = [kernel.numpy() for kernel in kernels]
    muon.apply([keras.ops.zeros(kernel.shape) for kernel in kernels], kernels)
    for kernel, old in zip(kernels, before, strict=True):
        assert kernel.numpy() == pytest.approx(0.95 * old, rel=1e-6), "one decay for both"


@pytest.mark.parametrize("word", ["schedule_free_adamw", "lookahead(sgd(0), k=1)"])
def test_a_copy_of_the_weights_starts_at_them_where_fit_builds_the_optimizer(word):
    """Keras's ScheduleFreeAdamW starts at 0 there, with TensorFlow."""
    layer = keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((2,)), layer])
    start = layer.kernel.numpy()
    model.compile(build_optimizer(WORDS.parse(word), learning_rate=1e-4), "mse")
    model.fit(np.ones((1, 2)), np.ones((1, 3)), verbose=0)
    assert layer.kernel.numpy() == pytest.approx(start, abs=1e-3)
