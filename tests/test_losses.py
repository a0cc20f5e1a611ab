"""Losses and class weights against closed forms, alone and in a compiled training step."""

import keras
import numpy as np
import pytest

from fashion_zoo import ConfigError, TrainingConfig, class_weights, losses, override, recipe
from fashion_zoo.data.batches import encode, epoch_order
from fashion_zoo.data.pipeline import training_pipeline
from fashion_zoo.training.fit import build_model, compile_model
from fashion_zoo.training.loss import TrainingLoss
from fashion_zoo.training.plan import plan
from fashion_zoo.training.untrained import untrained_loss

COUNTS = np.array([70, 20, 10])
HARD = np.array([0, 1, 2, 2, 0, 1])
ONE_HOT = np.eye(3)[HARD]
# Beside hard labels: smoothed ones, and those of images that were mixed with others.
SOFT = {
    "smoothed": 0.9 * ONE_HOT + 0.1 / 3,
    "mixed": 0.7 * ONE_HOT + 0.3 * ONE_HOT[::-1],
    "both": 0.9 * (0.4 * ONE_HOT + 0.6 * ONE_HOT[::-1]) + 0.1 / 3,
}
LOGITS = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")


def likelihoods(logits):
    wide = logits.astype("float64")
    return wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))


def _focal(gamma):
    def each(logits):
        known = likelihoods(logits)
        return -((1 - np.exp(known)) ** gamma) * known

    return each


def _adjusted(tau):
    return lambda logits: -likelihoods(logits + tau * np.log(COUNTS / COUNTS.sum()))


# 100 / (3 * count), and section 4 of arXiv:1901.05555, whose weights have a sum of 3.
INVERSE = [0.01 / (1 - 0.99**count) for count in COUNTS]
WEIGHTS = {
    "none": [1, 1, 1],
    "balanced": [100 / 210, 100 / 60, 100 / 30],
    "effective(0)": [1, 1, 1],
    "effective(0.99)": [3 * one / sum(INVERSE) for one in INVERSE],
}
LOSSES = {
    "cross_entropy": lambda logits: -likelihoods(logits),
    "focal": _focal(2),
    "focal(0)": lambda logits: -likelihoods(logits),
    "focal(0.5)": _focal(0.5),
    "logit_adjusted": _adjusted(1),
    "logit_adjusted(0.3)": _adjusted(0.3),
}


def test_smoothed_labels_of_a_corrected_loss_leave_the_right_class_the_most_probable():
    """The optimum of ``-sum_c y_c log softmax(f + log prior)_c`` is ``f = log(y / prior)``."""
    counts = np.array([5500, 3297, 1977, 1185, 710, 426, 255, 153, 92, 55])
    training = {"loss": "logit_adjusted", "label_smoothing": 0.1, "batch_size": 50}
    made = plan(override(recipe("bn_mlp").config, {"training": training}), counts)
    assert made.prior == pytest.approx(counts / counts.sum(), rel=1e-6)
    labels = encode(np.arange(10), 10, 0.1, made.prior)
    assert labels.sum(axis=1) == pytest.approx(1)
    assert np.argmax(np.log(labels / made.prior), axis=1).tolist() == list(range(10))
    evenly = encode(np.arange(10), 10, 0.1)
    assert np.argmax(np.log(evenly / made.prior), axis=1)[0] == 9, "which is the rarest"
    assert plan(recipe("bn_mlp").config, counts).prior is None


@pytest.mark.parametrize("moving", [False, True])
def test_the_pipeline_smooths_towards_the_prior(images, moving):
    prior = np.linspace(0.01, 0.19, 10, dtype=np.float32)
    smoothing = np.full(4, 0.2, np.float32) if moving else 0.2
    options = {"batch_size": 50, "seed": 0, "num_classes": 10, "soft_labels": True}
    pipeline = training_pipeline(images, label_smoothing=smoothing, prior=prior, **options)
    order = epoch_order(len(images.labels), 50, 0, 0)
    for (_, labels), rows in zip(pipeline.batches, order, strict=True):
        expected = 0.8 * np.eye(10)[images.labels[rows]] + 0.2 * prior
        assert np.abs(np.asarray(labels) - expected).max() < 1e-6


@pytest.mark.parametrize("made", [[1, np.nan, 1], [1, -1, 1], [1, 1]], ids=str)
def test_class_weights_of_ones_own_are_checked(made, monkeypatch):
    monkeypatch.setitem(class_weights.WORDS._members, "mine", lambda: lambda counts: np.array(made))
    config = override(recipe("bn_mlp").config, {"training": {"class_weight": "mine"}})
    with pytest.raises(ConfigError, match="must return 3 finite numbers of at least 0"):
        plan(config, [500, 500, 500])


def closed_form(loss, weight, labels, logits):
    """(n,) float64: the mean of the losses of each label, times that of the weights."""
    return (labels * LOSSES[loss](logits)).sum(axis=1) * (labels * WEIGHTS[weight]).sum(axis=1)


def training_loss(loss, weight, soft):
    prior = np.log(COUNTS / COUNTS.sum()).astype("float32")
    weights = class_weights.WORDS.parse(weight)(COUNTS).astype("float32")
    return TrainingLoss(losses.WORDS.parse(loss), soft, weights, prior)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_class_weights_are_their_closed_forms(weight):
    found = class_weights.WORDS.parse(weight)(COUNTS)
    assert found == pytest.approx(np.array(WEIGHTS[weight]), abs=1e-12)


def test_weights_by_hand():
    balanced = class_weights.WORDS.parse("balanced")(np.array([6, 3, 1]))
    assert balanced == pytest.approx(np.array([5 / 9, 10 / 9, 10 / 3]))
    assert (balanced * [6, 3, 1]).sum() == pytest.approx(10)  # the mean of an image is 1
    # effective numbers of beta = 1/2: 1, 1.5 and 1.75
    effective = class_weights.WORDS.parse("effective(0.5)")(np.array([1, 2, 3]))
    assert effective == pytest.approx(3 * np.array([1, 2 / 3, 4 / 7]) / (1 + 2 / 3 + 4 / 7))
    many = class_weights.WORDS.parse("effective(0.9999999)")(COUNTS)
    assert many == pytest.approx(3 * (1 / COUNTS) / (1 / COUNTS).sum(), rel=1e-4)


@pytest.mark.parametrize("labels", ["hard", *SOFT])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_its_closed_form_with_hard_and_with_mixed_labels(loss, weight, labels):
    given = HARD if labels == "hard" else SOFT[labels]
    expected = closed_form(loss, weight, SOFT.get(labels, ONE_HOT), LOGITS)
    made = training_loss(loss, weight, labels != "hard")
    each = keras.ops.convert_to_numpy(
        made.call(keras.ops.convert_to_tensor(given, "float32"), LOGITS)
    )
    assert each == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert float(made(given, LOGITS)) == pytest.approx(expected.mean(), rel=1e-6, abs=1e-6)


def test_losses_by_hand():
    def each(word, logits, prior=None):
        made = losses.WORDS.parse(word).each(np.array([logits], "float32"), prior)
        return keras.ops.convert_to_numpy(made)[0]

    logits = np.log([0.8, 0.2])
    assert each("cross_entropy", logits) == pytest.approx([0.223144, 1.609438], abs=1e-6)
    # 0.2 ** 2 * 0.223144 and 0.8 ** 2 * 1.609438
    assert each("focal(2)", logits) == pytest.approx([0.00892574, 1.0300403], abs=1e-6)
    prior = np.log([0.9, 0.1]).astype("float32")
    found = each("logit_adjusted", [0.0, 0.0], prior)  # -log 0.9 and -log 0.1
    assert found == pytest.approx([0.1053605, 2.3025851], abs=1e-6)


def test_focal_loss_is_that_of_keras():
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0, from_logits=True)
    ours = TrainingLoss(losses.WORDS.parse("focal(2)"), True)
    assert float(ours(SOFT["both"], LOGITS)) == pytest.approx(
        float(theirs(SOFT["both"].astype("float32"), LOGITS)), abs=1e-6
    )


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_the_gradient_is_finite_where_a_probability_rounds_to_1(gamma):
    tf = pytest.importorskip("tensorflow")
    logits = tf.Variable([[60.0, -60.0, 0.0], [0.0, 1e4, -1e4]])
    loss = TrainingLoss(losses.WORDS.parse(f"focal({gamma})"), False)
    with tf.GradientTape() as tape:
        found = loss(np.array([0, 0]), logits)
    assert np.isfinite(float(found))
    assert np.isfinite(tape.gradient(found, logits).numpy()).all()


SETTINGS = [
    {"loss": "focal"},
    {"loss": "logit_adjusted"},
    {"class_weight": "balanced"},
    {"class_weight": "effective(0.99)", "loss": "focal(0.5)", "label_smoothing": 0.1},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_training_step_has_the_loss_of_its_settings_and_evaluation_has_cross_entropy(settings):
    entry = recipe("baseline_mlp")
    training = {"batch_size": 6, **settings}
    model = {"hidden_units": (8,), "num_classes": 3, "input_shape": (4, 4), "l2": 0.01}
    config = override(entry.config, {"model": model, "training": training})
    planned = plan(config, COUNTS)
    net = compile_model(build_model(entry, config.model, planned), planned, steps_per_execution=1)
    pixels = np.random.default_rng(1).integers(0, 256, (6, 4, 4)).astype("float32")
    labels = SOFT["smoothed"].astype("float32") if planned.soft_labels else HARD
    soft = SOFT["smoothed"] if planned.soft_labels else ONE_HOT
    logits = keras.ops.convert_to_numpy(net(pixels))
    penalty = 0.01 * sum(float((kernel**2).sum()) for kernel in net.get_weights()[::2])
    plain = closed_form("cross_entropy", "none", soft, logits).mean()
    expected = closed_form(
        settings.get("loss", "cross_entropy"), settings.get("class_weight", "none"), soft, logits
    ).mean()
    evaluated = net.compute_loss(y=labels, y_pred=logits, training=False)
    assert float(evaluated) == pytest.approx(plain + penalty, rel=1e-5)
    guessing = np.log(3)
    for training, own in ((False, plain), (True, expected)):
        untrained = untrained_loss(net, pixels, labels, training)
        assert untrained == pytest.approx(max(guessing, own + penalty), rel=1e-5)
    trained = net.train_on_batch(pixels, labels, return_dict=True)["loss"]
    assert float(trained) == pytest.approx(expected + penalty, rel=1e-5)
    assert abs(expected - plain) > 0.01

    compile_model(net, plan(override(config, {"training": {"label_smoothing": 0.0}})))
    assert "compute_loss" not in vars(net), "a plan of no training has Keras's own loss"


def test_with_the_defaults_the_loss_is_kerass_own():
    entry = recipe("baseline_mlp")
    for settings in ({}, {"class_weight": "balanced"}):  # of classes of one size
        config = override(entry.config, {"training": {"batch_size": 10, **settings}})
        planned = plan(config, 10 * [10])
        assert planned.class_weights is None
        net = compile_model(build_model(entry, config.model, planned), planned)
        assert "compute_loss" not in vars(net)
        assert [one.name for one in net._compile_metrics._user_metrics] == ["accuracy"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "focl"}, r"loss: .*Unknown loss 'focl'\. Did you mean 'focal'"),
        ({"loss": "focal(-1)"}, "gamma must be a number of at least 0, received -1"),
        ({"loss": "logit_adjusted(0)"}, "tau must be a number above 0, received 0"),
        ({"class_weight": "balance"}, "Unknown class weight 'balance'. Did you mean 'balanced'"),
        ({"class_weight": "effective(1)"}, "beta must be a number of at least 0 and below 1"),
        ({"sampling": "uniform"}, "Unknown sampling 'uniform'"),
        ({"metrics": "accuracy"}, "metrics must be a list of metrics, received 'accuracy'"),
        ({"metrics": ["recall"]}, "Unknown metrics 'recall'. Did you mean 'worst_recall'"),
        (
            {"class_weight": "balanced", "sampling": "balanced"},
            "class_weight 'balanced' and sampling 'balanced' would each correct the class freq",
        ),
        (
            {"class_weight": "balanced", "loss": "logit_adjusted"},
            "class_weight 'balanced' and loss 'logit_adjusted' would each",
        ),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(settings, message):
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(**settings)


def test_adaptive_dropout_needs_losses_that_compare():
    config = recipe("bn_mlp").config.training
    with pytest.raises(ConfigError, match="needs loss 'cross_entropy'; received 'focal'"):
        override(config, {"loss": "focal", "adaptive_dropout": {"enabled": True}})
    with pytest.raises(ConfigError, match="needs sampling 'shuffle'; received 'balanced'"):
        override(config, {"sampling": "balanced", "adaptive_dropout": {"enabled": True}})


@pytest.mark.parametrize(
    "settings", [{"class_weight": "balanced"}, {"sampling": "balanced"}, {"loss": "logit_adjusted"}]
)
def test_a_class_without_images_is_refused(settings):
    config = override(recipe("bn_mlp").config, {"training": {"batch_size": 5, **settings}})
    with pytest.raises(ConfigError, match="Class 1 has no training image"):
        plan(config, [5, 0, 5])
