"""What an inspection finds: faults that are planted, each in its layer, and nothing else."""

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import recipe
from fashion_zoo.config import override
from fashion_zoo.errors import Hint
from fashion_zoo.inspecting import KINDS, Inspection, page
from fashion_zoo.inspecting.findings import findings
from fashion_zoo.inspecting.measuring import effective_rank, measure
from fashion_zoo.inspecting.probing import Probe
from fashion_zoo.layers import as_array

BATCH = 100


@pytest.fixture(scope="module")
def sample(images):
    mixed = np.random.default_rng(0).permutation(200)
    return fashion_zoo.data.dataset.Images(
        images.images[mixed].astype("float32"), images.labels[mixed].astype("int32")
    )


def found(model, sample, *, trained=True):
    """Kind and layers of each finding in a model."""
    layers = measure(Probe(model, BATCH), sample)
    return [(one.kind, one.layers, one.value) for one in findings(layers, trained=trained)]


def deep(activation, *, gain=1.0, depth=30):
    """A deep multilayer perceptron without normalization, whose kernels are scaled."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input((28, 28)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    layers += [keras.layers.Dense(32, activation, name=f"dense_{n + 1}") for n in range(depth)]
    model = keras.Sequential([*layers, keras.layers.Dense(10, name="logits")])
    for layer in model.layers[2:]:
        layer.kernel.assign(layer.kernel * gain)
    return model


def test_half_the_units_of_a_layer_dead(sample):
    model = fashion_zoo.get("baseline_mlp", hidden_units=(64, 32))
    assert found(model, sample) == []
    bias = as_array(model.get_layer("dense_2").bias).copy()
    bias[::2] = -1e4
    model.get_layer("dense_2").bias.assign(bias)
    assert found(model, sample) == [("dead_units", ("relu_2",), 0.5)]


def test_a_saturated_tanh(sample):
    model = deep("tanh", depth=3)
    assert found(model, sample) == []
    model.get_layer("dense_2").kernel.assign(model.get_layer("dense_2").kernel * 100)
    ((kind, layers, share),) = found(model, sample)
    assert (kind, layers) == ("saturation", ("dense_2",))
    assert share > 0.9


def test_vanishing_gradients_in_thirty_layers_without_normalization(sample):
    assert found(deep("tanh"), sample) == []
    ((kind, layers, worst),) = found(deep("tanh", gain=0.7), sample)
    assert kind == "vanishing_gradients"
    assert layers == tuple(f"dense_{number + 1}" for number in range(len(layers)))
    assert 5 < len(layers) < 25
    assert 0 < worst < 1e-3


@pytest.mark.slow
def test_exploding_gradients(sample):
    ((kind, layers, worst),) = found(deep("leaky_relu", gain=3.0), sample)
    assert (kind, layers[0]) == ("exploding_gradients", "dense_1")
    assert worst > 1e3
    model = deep("leaky_relu", gain=1e5)  # its activations are not finite
    assert found(model, sample)[-1][0::2] == ("exploding_gradients", None)


def test_stale_batch_norm_statistics(sample):
    model = fashion_zoo.get("bn_mlp", hidden_units=(64, 32), dropout=0)
    assert found(model, sample, trained=False) == []
    kinds = [("stale_statistics", ("batch_norm_1",)), ("stale_statistics", ("batch_norm_2",))]
    assert [one[:2] for one in found(model, sample)] == kinds
    rate, model.get_layer("batch_norm_1").momentum = model.get_layer("batch_norm_1").momentum, 0.0
    model.get_layer("batch_norm_2").momentum = 0.0
    model(sample.images, training=True)
    assert rate == 0.9
    assert found(model, sample) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["baseline_mlp", "bn_mlp", "adaptive_dropout_mlp", "l2_mlp", "bn_mlp.quick"]
)
def test_the_recipes_have_no_findings(name, tmp_path):
    run = fashion_zoo.train(
        name, run_dir=tmp_path / "r", training={"epochs": 5}, evaluate=False, export=False
    )
    assert fashion_zoo.inspect(run)["findings"] == []


def test_an_effective_rank_is_that_of_equal_singular_values():
    assert effective_rank(np.eye(7)) == pytest.approx(7)
    assert effective_rank(np.outer(np.arange(1, 5), np.arange(1, 7))) == pytest.approx(1)
    # of 1 and 3: exp(-(1/4 ln 1/4 + 3/4 ln 3/4)) = 4 / 3^(3/4)
    assert effective_rank(np.diag([1, -3])) == pytest.approx(4 / 3**0.75)
    assert effective_rank(np.zeros((3, 3))) == 0
    assert effective_rank(np.array([[np.nan]])) is None


def test_gradients_are_those_of_the_model(sample):
    model = fashion_zoo.get("bn_mlp", hidden_units=(16,), dropout=0)
    batch = sample.images[:BATCH], sample.labels[:BATCH]
    probe = Probe(model, BATCH)
    probe.follow()
    gradients = probe.gradients(*batch)
    # logits = h W + b: the gradient of b is the mean of that of the logits, of W that of h times it
    kernel, bias = (as_array(one) for one in gradients.weights[-2:])
    outputs = dict(zip([tap.layer.name for tap in probe.taps], gradients.outputs, strict=True))
    bent = keras.Model(model.inputs[0], model.get_layer("relu_1").output)
    hidden = as_array(bent(batch[0], training=True))
    np.testing.assert_allclose(outputs["logits"].mean(axis=0), bias, atol=1e-7)
    np.testing.assert_allclose(hidden.T @ outputs["logits"] / BATCH, kernel, atol=1e-6)
    shares = as_array(keras.ops.softmax(model(batch[0], training=True)))
    np.testing.assert_allclose(outputs["logits"], shares - np.eye(10)[batch[1]], atol=1e-6)


def test_an_update_is_what_the_optimizer_does_and_everything_is_as_before(sample):
    model = fashion_zoo.get("bn_mlp", hidden_units=(16,), precision="mixed_float16")
    model.train_on_batch(*(one[:BATCH] for one in sample))
    before = [as_array(one).copy() for one in [*model.variables, *model.optimizer.variables]]
    layers = measure(Probe(model, BATCH), sample)
    after = [as_array(one) for one in [*model.variables, *model.optimizer.variables]]
    assert all(map(np.array_equal, before, after))
    # Adam's second step is about as large as its rate, in every weight
    for layer in layers:
        if kernel := layer.get("kernel"):
            step = kernel["update_ratio"] * kernel["rms"] / 3e-3
            assert 0.2 < step < 1.1


@pytest.mark.parametrize("word", KINDS)
def test_the_advice_for_a_finding_is_of_settings_that_there_are(word):
    hints = [part for part in KINDS[word].advice.parts if isinstance(part, Hint)]
    assert len(hints) >= 3
    for hint in hints:
        section, *names = hint.setting.split(".")
        part = getattr(recipe("bn_mlp").config, section)
        for name in names[:-1]:
            part = getattr(part, name)
        usual = getattr(part, names[-1])
        override(part, {names[-1]: usual if hint.value is None else hint.value})


def test_each_kind_of_finding_has_its_advice_once():
    found = [
        {"kind": kind, "layers": [layer], "epochs": ["epoch 1"], "value": 0.5, "text": "half"}
        for layer, kind in (("a", "saturation"), ("b", "saturation"), ("a", "dead_units"))
    ]
    inspected = Inspection(findings=found)
    assert [one.split(":")[0] for one in inspected.advice] == ["Dead units", "Saturation"]
    table = page.findings_table(inspected)
    assert table.count("What usually helps") == 2
    assert "training.learning_rate" in table
