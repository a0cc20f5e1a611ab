"""Gradient checkpointing: the same training in less memory, or a sentence."""

from pathlib import Path

import keras
import numpy as np
import pytest

from fashion_zoo import ConfigError, override, recipe
from fashion_zoo.data import load
from fashion_zoo.experiments import page as pages
from fashion_zoo.training import recomputing
from fashion_zoo.training.fit import build_model, compile_model
from fashion_zoo.training.plan import plan
from fashion_zoo.training.recomputing import segments, set_checkpointing
from recipes.experiments import memory

TENSORFLOW = keras.backend.backend() == "tensorflow"


def made(name="baseline_mlp", depth=6, checkpointing=True, steps=1, **changes):
    """A compiled model, many layers deep, of so many steps per execution."""
    model = {"hidden_units": depth * (8,), **changes.pop("model", {})}
    training = {"batch_size": 50, "checkpointing": checkpointing}
    config = override(recipe(name).config, {"model": model, "training": training, **changes})
    planned = plan(config, 10 * [10])
    return compile_model(
        build_model(recipe(name), config.model, planned), planned, steps_per_execution=steps
    )


def trained(images, **changes):
    """Losses of three epochs of four steps, and the variables after them."""
    model = made(**changes)
    x, y = images.images.astype("float32"), images.labels
    history = model.fit(x, y, batch_size=50, epochs=3, shuffle=False, verbose=0).history
    return history["loss"], [keras.ops.convert_to_numpy(one) for one in model.variables]


OPTIONS = {
    "plain": {},
    "layer normalization in bfloat16": {
        "model": {"normalization": "layer", "activation": "gelu"}, "precision": "mixed_bfloat16",
    },
    "loss scaling": {"precision": "mixed_float16", "model": {"l2": 1e-3, "normalization": "rms"}},
    "standardized kernels": {"model": {"weight_standardization": True, "activation": "prelu"}},
    "residual layers": {"model": {"residual": True, "normalization": "layer"}},
    "residual layers in bfloat16": {"model": {"residual": True}, "precision": "mixed_bfloat16"},
    "dropout in the last layers": {"model": {"dropout": (0,) * 5 + (0.5,)}},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_is_trained_as_without(name, images):
    """Bit for bit on TensorFlow in float32; XLA, and half precision, may round otherwise."""
    losses, variables = trained(images, steps=2, **OPTIONS[name])
    kept, same = trained(images, checkpointing=False, steps=2, **OPTIONS[name])
    tolerance = 1e-4 if "precision" in OPTIONS[name] else 0 if TENSORFLOW else 1e-6
    assert losses == pytest.approx(kept, rel=tolerance, abs=0)
    assert len(variables) == len(same)
    for first, second in zip(variables, same, strict=True):
        assert first == pytest.approx(second, rel=tolerance, abs=tolerance)


@pytest.mark.skipif(not TENSORFLOW, reason="step by step, which spares the tracing")
def test_a_step_is_the_same_as_without(images):
    models = [made(checkpointing=wanted) for wanted in (True, False)]
    for model in models:
        model.run_eagerly = True
        model.train_on_batch(images.images[:50], images.labels[:50])
    for first, second in zip(*(model.variables for model in models), strict=True):
        assert first.path == second.path
        assert np.array_equal(first, second)


@pytest.mark.skipif(not TENSORFLOW, reason="jax computes again without Python")
def test_all_but_the_last_segment_are_computed_twice(images, monkeypatch):
    model, seen = made(), []
    model.run_eagerly = True
    through = recomputing._through
    monkeypatch.setattr(
        recomputing,
        "_through",
        lambda part, *taken: (seen.append(part.layers[-1].name), through(part, *taken))[1],
    )
    model.train_on_batch(images.images[:50], images.labels[:50])
    assert seen == ["relu_2", "relu_5", "logits", "relu_5", "relu_2"]
    seen.clear()
    model.predict_on_batch(images.images[:50])
    assert seen == []


def test_sixteen_layers_are_four_segments_of_whole_blocks():
    found = segments(made(depth=16, model={"normalization": "layer"}))
    assert [again for _, again in found] == [True, True, True, False]
    assert [part[0].name for part, _ in found] == ["scale", "dense_5", "dense_9", "dense_14"]
    assert sum(len(part) for part, _ in found) == 3 + 16 * 3


def test_layers_with_a_state_stand_between_segments():
    found = segments(made(depth=10, model={"dropout": (0.1,) + 9 * (0,)}))
    assert [(part[0].name, again) for part, again in found] == [
        ("scale", False), ("dropout_1", False), ("dense_2", True), ("dense_5", True),
        ("dense_9", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"name": "bn_mlp"}, 1),
        ({"model": {"dropout": 0.1}}, 1),
        ({"model": {"spectral_normalization": True}}, 0),
        ({"depth": 2}, 3),
    ],
)
def test_where_it_would_save_nothing_it_says_so(changes, count):
    with pytest.raises(ConfigError, match=rf"4 layers with kernels .* and \w+ has {count}: it"):
        made(**changes)


def test_a_model_that_has_a_state_in_every_layer_is_answered_as_well():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(inputs), name="other")
    with pytest.raises(ConfigError, match=r"needs at least 4 layers .*, and other has 0: it"):
        set_checkpointing(model, True)


def test_residual_layers_are_cut_where_one_array_passes():
    model = made(depth=8, model={"residual": True})
    found = segments(model)
    assert [(part[0].name, again) for part, again in found] == [
        ("scale", True), ("relu_3", True), ("relu_6", False),
    ]  # fmt: skip
    parts = recomputing._parts(found, model.outputs[0])
    ends = [(id(model.get_layer(name).output),) for name in ("add_3", "add_6", "logits")]
    assert [part.given for part in parts] == ends
    assert [part.taken for part in parts] == [(id(model.inputs[0]),), *ends[:-1]]


def skipping():
    """A model whose long skip passes every cut."""
    inputs = keras.Input((28, 28))
    x = start = keras.layers.Dense(8, name="dense_0")(keras.layers.Flatten()(inputs))
    for number in range(1, 7):
        x = keras.layers.Dense(8, activation="relu", name=f"dense_{number}")(x)
    logits = keras.layers.Dense(10, name="logits")(keras.layers.Add(name="add")([x, start]))
    model = keras.Model(inputs, logits, name="skipping")
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_an_output_that_later_segments_take_is_given_to_them(images):
    keras.utils.set_random_seed(0)
    model, other = skipping(), skipping()
    other.set_weights(model.get_weights())
    set_checkpointing(model, True)
    parts = recomputing._parts(segments(model), model.outputs[0])
    start = id(model.get_layer("dense_0").output)
    assert [start in part.given for part in parts] == [True, False, False]
    assert [start in part.taken for part in parts] == [False, False, True]
    for one in (model, other):
        one.run_eagerly = TENSORFLOW
        one.train_on_batch(images.images[:50], images.labels[:50])
    for first, second in zip(model.get_weights(), other.get_weights(), strict=True):
        assert first == pytest.approx(second, rel=1e-5, abs=1e-6)


def twice(inputs):
    layer = keras.layers.Dense(4)
    return layer(layer(inputs))


@pytest.mark.parametrize(
    "build", [twice, lambda x: keras.layers.Dense(4)(x) + x, lambda x: [x, keras.layers.ReLU()(x)]]
)
def test_a_layer_that_is_used_twice_an_operation_and_two_outputs_are_refused(build):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, build(inputs), name="other")
    with pytest.raises(ConfigError, match="uses each of its layers once, and other is another"):
        set_checkpointing(model, True)


def test_a_model_that_is_compiled_without_it_again_keeps_its_activations():
    model = made()
    assert "call" in vars(model)
    set_checkpointing(model, False)
    assert "call" not in vars(model)
    assert np.array_equal(model(np.zeros((1, 28, 28))).shape, (1, 10))


def test_the_published_table_shows_what_is_saved():
    """At 16 layers of 1,024 at least 30 % with each seed, with the same loss."""
    rows = pages.read_rows(Path(__file__).parent.parent / "docs" / "memory.csv")
    kept, again = (
        [row for row in rows if row["arm"] == arm]
        for arm in ("16 x 1024", f"16 x 1024{memory.WITH}")
    )
    assert len(kept) == memory.EXPERIMENT.seeds
    for first, second in zip(kept, again, strict=True):
        assert first["seed"] == second["seed"]
        assert second["memory"] <= 0.7 * first["memory"]
        assert second["loss"] == pytest.approx(first["loss"], rel=1e-5)


@pytest.mark.slow
def test_a_step_is_measured_in_a_process_of_its_own_with_the_same_loss():
    data = load(limit=300)
    kept, again = (memory.measure(4, 16, one, 0, data, batch=200) for one in (False, True))
    assert kept.keys() == again.keys() == {"memory", "step", "log10_of_the_seconds", "loss"}
    assert again["loss"] == pytest.approx(kept["loss"], rel=1e-5)
    assert min(kept["memory"], again["memory"]) >= 0
