"""The methods of an ensemble on small arrays and small models, by their closed forms."""

import keras
import numpy as np
import pytest
from ensembling import members_of, network
from guide import close, formula
from scipy.special import log_softmax, softmax
from sklearn.metrics import log_loss

from fashion_zoo import ConfigError, DataError
from fashion_zoo.ensembles import WORDS, Members, combine
from fashion_zoo.ensembles.building import calibrated, mean_model
from fashion_zoo.ensembles.choosing import greedy_counts, log_mean, predicted, score
from fashion_zoo.ensembles.stacks import features_of, layer_of, regression_of
from fashion_zoo.evaluation.calibration import temperature
from fashion_zoo.evaluation.cost import parameters


def made_up(correct, classes=4, sure=0.7):
    """Log-probabilities of members that are right about these images, else sure of the next class.

    All labels are class 0.
    """
    found = np.full((*np.shape(correct), classes), np.log((1 - sure) / (classes - 1)))
    for member, rows in enumerate(correct):
        for image, right in enumerate(rows):
            found[member, image, 0 if right else 1 + member % (classes - 1)] = np.log(sure)
    return found


def logits_of(model, images):
    return keras.ops.convert_to_numpy(model(images.astype("float32"), training=False))


def test_the_logarithm_of_a_weighted_mean_of_probabilities():
    logits = np.random.default_rng(0).normal(size=(3, 5, 4))
    weights = [0.5, 0.0, 0.5]
    expected = np.log(0.5 * softmax(logits[0], axis=1) + 0.5 * softmax(logits[2], axis=1))
    assert log_mean(log_softmax(logits, axis=2), weights) == pytest.approx(expected, abs=1e-12)


@pytest.mark.formula(19)
def test_the_logits_of_an_average_are_the_logarithm_of_the_mean_softmax(images):
    models = [network(seed, batch_norm=seed == 1) for seed in range(3)]
    whole = mean_model(models, [1 / 3] * 3)
    each = [softmax(logits_of(model, images.images).astype("float64"), axis=1) for model in models]
    found, mean = logits_of(whole, images.images), np.mean(each, axis=0)
    assert found.dtype == np.float32
    assert np.exp(found) == pytest.approx(mean, abs=1e-6)
    assert found == pytest.approx(np.log(mean), rel=1e-6, abs=1e-6 * float(np.abs(found).max()))
    assert parameters(whole) == sum(map(parameters, models))
    weighted = logits_of(mean_model(models[:2], [0.25, 0.75]), images.images)
    assert softmax(weighted, axis=1) == pytest.approx(0.25 * each[0] + 0.75 * each[1], abs=1e-6)


@pytest.mark.formula(19)
def test_mean_and_temperature_are_those_of_the_guide(images):
    models, weights = [network(seed) for seed in range(2)], [0.25, 0.75]
    logits = [logits_of(model, images.images).astype("float64") for model in models]
    page = formula(19, logits=logits, weights=weights, temperature=1.5)
    mean = mean_model(models, weights)
    assert close(logits_of(mean, images.images), page.mean_logits, "float32")
    found = logits_of(calibrated(mean, 1.5), images.images).astype("float64")
    assert close(softmax(found, axis=1), page.cooled, "float32")


def test_members_that_are_sure_leave_the_logits_finite():
    model = network(0)
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([0 * kernel, np.arange(10) * -100.0 + bias])
    found = logits_of(mean_model([model, model], [0.5, 0.5]), np.zeros((1, 28, 28)))
    assert found[0] == pytest.approx(np.arange(10) * -100.0, abs=1e-3)


def test_greedy_choice_finds_the_best_subset_and_leaves_the_others():
    right = [[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]]
    found = made_up(right)
    labels = np.zeros(6, "int64")
    counts = greedy_counts(found, labels, 12)
    assert counts[3] == 0
    assert len(set(counts[:3])) == 1, "the others as often as each other"
    assert score(log_mean(found, counts / counts.sum()), labels)[0] == 6
    assert max(score(one, labels)[0] for one in found) == 4


def test_greedy_choice_takes_one_member_if_the_others_only_harm():
    found = made_up([[0, 0, 1], [1, 1, 1], [0, 1, 0]])
    assert greedy_counts(found, np.zeros(3, "int64"), 1).tolist() == [0, 1, 0]
    assert greedy_counts(found, np.zeros(3, "int64"), 5).tolist() == [0, 1, 0]


def calibrated_images(distributions, times=20):
    """Logits and labels of images whose classes are as frequent as their probabilities say."""
    logits, labels = [], []
    for row in distributions:
        counts = np.round(np.array(row) * times).astype(int)
        logits += [np.log(row)] * times
        labels += np.repeat(np.arange(len(row)), counts).tolist()
    return np.array(logits), np.array(labels)


def test_the_temperature_of_scaled_logits_is_recovered():
    logits, labels = calibrated_images([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.25, 0.25, 0.5]])
    for scale in (0.3, 1.0, 4.0):
        assert temperature(scale * logits, labels) == pytest.approx(scale, rel=1e-3)


@pytest.mark.formula(19)
def test_a_temperature_lowers_the_loss_and_leaves_the_classes(images):
    models = [network(seed) for seed in range(2)]
    members = members_of(models, images.images, images.labels)
    plain, warm = (combine(members, WORDS.parse("average"), one) for one in (False, True))
    before, after = predicted(plain.model, images.images), predicted(warm.model, images.images)
    assert plain.temperature is None
    assert warm.temperature > 1, "they were never trained, and are sure"
    losses = [log_loss(images.labels, np.exp(one), labels=range(10)) for one in (before, after)]
    assert losses[1] < losses[0]
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    assert after == pytest.approx(log_softmax(before / warm.temperature, axis=1), abs=1e-4)
    assert type(warm.model.layers[-1]) is keras.layers.Rescaling


@pytest.mark.parametrize("choice", ["greedy", "uniform"])
def test_a_soup_of_two_equal_models_is_that_model(choice, images):
    model, same = network(1), network(1)
    members = members_of([model, same], images.images, images.labels)
    found = combine(members, WORDS.parse(f"soup({choice!r})"))
    assert found.weights == [0.5, 0.5]
    built = found.model.get_weights()
    assert all(map(np.array_equal, built, model.get_weights()))
    assert parameters(found.model) == parameters(model)


def test_a_uniform_soup_has_the_mean_weights_and_statistics_of_their_own(images):
    models = [network(seed, batch_norm=True) for seed in (1, 2)]
    before = [model.get_weights() for model in models]
    whole = combine(
        members_of(models, images.images, images.labels), WORDS.parse("soup('uniform')")
    )
    trained = [one.numpy() for one in whole.model.trainable_variables]
    names = [one.path for one in whole.model.weights if "moving" not in one.path]
    means = {
        weight.path: (first + second) / 2
        for weight, first, second in zip(whole.model.weights, *before, strict=True)
    }
    for name, value in zip(names, trained, strict=True):
        assert value == pytest.approx(means[name], abs=1e-7)
    part = keras.Model(whole.model.input, whole.model.get_layer("dense_1").output)
    seen = logits_of(part, images.images).reshape(4, 50, -1)
    norm = whole.model.get_layer("batch_norm_1")
    assert norm.moving_mean.numpy() == pytest.approx(seen.mean(axis=(0, 1)), abs=1e-4)
    assert norm.moving_variance.numpy() == pytest.approx(seen.var(axis=1).mean(axis=0), rel=1e-4)
    assert norm.momentum == 0.99


def test_a_greedy_soup_leaves_out_what_lowers_the_accuracy(images):
    """The second member is the first with its classes turned round."""
    good, bad = network(1), network(1)
    labels = logits_of(good, images.images).argmax(axis=1)
    kernel, bias = bad.get_layer("logits").get_weights()
    bad.get_layer("logits").set_weights([-3 * kernel, -3 * bias])
    members = members_of([bad, good], images.images, labels)
    found = combine(members, WORDS.parse("soup"))
    assert found.weights == [0.0, 1.0]
    assert score(found.log_probabilities, labels)[0] == len(labels)
    assert all(map(np.array_equal, found.model.get_weights(), network(1).get_weights()))


@pytest.mark.parametrize("other", [{"activation": "tanh"}, {"units": 7}, {"batch_norm": True}])
def test_a_soup_of_other_layers_is_refused(other, images):
    models = [network(1), network(2, **other)]
    members = members_of(models, images.images, images.labels)
    with pytest.raises(ConfigError, match="those of model 1 do not fit the layers of model 0"):
        combine(members, WORDS.parse("soup"))
    combine(members, WORDS.parse("average"))


@pytest.mark.parametrize("classes", [2, 10])
def test_a_stack_decides_as_scikit_learn_does(classes, images):
    models = [network(seed, classes=classes) for seed in range(2)]
    labels = images.labels.astype("int64") % classes
    members = members_of(models, images.images, labels)
    found = combine(members, WORDS.parse("stack(0.1)"))
    features = features_of(members.log_probabilities)
    fitted = regression_of(0.1).fit(features, labels)
    decision = logits_of(found.model, images.images)
    expected = fitted.predict_log_proba(features)
    assert log_softmax(decision, axis=1) == pytest.approx(expected, abs=1e-5, rel=1e-5)
    assert np.array_equal(decision.argmax(axis=1), fitted.predict(features))
    layer = layer_of(fitted)
    assert layer.kernel.shape == (2 * classes, classes)
    assert isinstance(found.model.layers[-1], keras.layers.Dense)


def test_the_figure_of_a_stack_is_out_of_fold(images):
    """With labels drawn by lot, the images that it was fitted on would flatter it."""
    labels = np.random.default_rng(0).permutation(np.arange(len(images.labels)) % 2)
    models = [network(seed, classes=2) for seed in range(9)]
    members = members_of(models, images.images, labels)
    found = combine(members, WORDS.parse("stack(100)"))
    on_itself = score(predicted(found.model, images.images), labels)[0] / len(labels)
    stated = score(found.log_probabilities, labels)[0] / len(labels)
    assert stated < on_itself - 0.04


def test_a_stack_of_too_few_images_of_a_class_is_refused(images):
    models = [network(seed) for seed in range(2)]
    few = np.where(images.labels == 3, 2, images.labels)
    few[:4] = 3
    members = members_of(models, images.images, few)
    with pytest.raises(DataError, match=r"at least 5 validation images of each class, .* has 4"):
        combine(members, WORDS.parse("stack"))


def test_members_may_take_images_in_other_shapes(images):
    models = [network(0), network(1, shape=(784,))]
    flat = mean_model(models, [0.5, 0.5])
    each = [
        logits_of(models[0], images.images),
        logits_of(models[1], images.images.reshape(-1, 784)),
    ]
    expected = log_mean(log_softmax(np.array(each, "float64"), axis=2), [0.5, 0.5])
    assert logits_of(flat, images.images) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mean", "Unknown ensemble method 'mean'"),
        ("greedy(0)", "size must be a whole number in 1..1000, received 0"),
        ("stack(-1)", "c must be a number above 0, received -1"),
        ("soup('best')", "Unknown choice 'best'"),
    ],
)
def test_a_wrong_method_is_answered(text, message):
    with pytest.raises(ConfigError, match=message):
        WORDS.parse(text)


def test_a_method_of_somebodys_own_is_a_function(images, monkeypatch):
    monkeypatch.setattr(WORDS, "_members", {**WORDS})

    @WORDS.register
    def last():
        """The last member."""
        from fashion_zoo.ensembles import Combination, Method

        def only(members: Members):
            return Combination(members.log_probabilities[-1], lambda: members.load(1))

        return Method(only)

    models = [network(seed) for seed in range(2)]
    members = members_of(models, images.images, images.labels)
    assert combine(members, WORDS.parse("last")).model is models[1]
