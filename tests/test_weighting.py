"""Weights of single training images: in the labels of the pipeline, and so in the loss."""

import keras
import numpy as np
import pytest
from resuming import OPTIONS, assert_same, stopped, train
from scipy.special import log_softmax

from fashion_zoo import ConfigError, TrainingConfig, WeightingConfig, override, recipe
from fashion_zoo.config import AdaptiveDropoutConfig, digest
from fashion_zoo.data.batches import encode, orders, smooth
from fashion_zoo.data.pipeline import _array_batches, training_pipeline
from fashion_zoo.losses import CROSS_ENTROPY, WORDS
from fashion_zoo.training import fit as fits
from fashion_zoo.training.loss import TrainingLoss
from fashion_zoo.training.plan import plan


@pytest.fixture(scope="module")
def weights():
    """One for each of the 200 images, with a mean of 1."""
    found = np.random.default_rng(0).gamma(0.5, size=200) + 0.01
    return (found / found.mean()).astype("float32")


@pytest.fixture
def file(weights, tmp_path):
    np.save(tmp_path / "weights.npy", 3 * weights.astype("float64"))
    return str(tmp_path / "weights.npy")


def test_the_soft_labels_of_an_image_sum_to_its_weight_however_they_are_smoothed(images, weights):
    table = np.linspace(0, 0.5, 20).astype("float32")
    order = orders(images.labels, 20, 5)
    one_hot = np.eye(10, dtype="float32")[images.labels]
    for smoothing in (0.0, 0.2, table):
        options = {"batch_size": 20, "seed": 5, "num_classes": 10, "soft_labels": True}
        pipeline = training_pipeline(
            images, label_smoothing=smoothing, image_weights=weights, **options
        )
        pipeline.start_epoch(1)
        for step, (_, labels) in enumerate(pipeline.batches):
            rows = order(1)[step]
            share = smoothing[10 + step] if smoothing is table else np.float32(smoothing)
            expected = smooth(one_hot[rows], share) * weights[rows, None]
            assert np.asarray(labels) == pytest.approx(expected, rel=1e-5, abs=1e-6)
            assert np.asarray(labels).sum(axis=1) == pytest.approx(weights[rows], rel=1e-5)


def test_the_pipeline_of_arrays_smooths_weighted_labels_alike(images, weights):
    table = {"label_smoothing": np.linspace(0, 0.5, 10).astype("float32")}
    prior = np.tile(np.full(10, 0.1, "float32"), (10, 1))
    order, labels = orders(images.labels, 20, 5), encode(images.labels, 10, 0.0, None, weights)
    batches, start = _array_batches(images.images, labels, order, 10, table, prior)
    start(0)
    options = {"batch_size": 20, "seed": 5, "num_classes": 10, "soft_labels": True}
    pipeline = training_pipeline(images, image_weights=weights, **options, **table)
    pipeline.start_epoch(0)
    for step, (_, its) in enumerate(pipeline.batches):
        assert np.asarray(its) == pytest.approx(batches[step][1], abs=1e-6)


def test_mixing_mixes_the_weights_as_it_does_the_labels(images, weights):
    from fashion_zoo.augment import policies

    each = type(images)(images.images, np.arange(200, dtype="uint8"))  # a class for each image
    options = {"batch_size": 200, "seed": 5, "num_classes": 200, "soft_labels": True}
    shares, found = (
        next(
            iter(training_pipeline(each, policy=policies.parse("mixup"), **options, **more).batches)
        )
        for more in ({}, {"image_weights": weights})
    )
    assert (np.asarray(shares[1]) > 0).sum(axis=1).max() == 2
    assert np.asarray(found[1]) == pytest.approx(np.asarray(shares[1]) * weights, abs=1e-6)


@pytest.mark.parametrize("word", ["cross_entropy", "focal(2)"])
def test_the_gradient_is_that_of_the_weighted_loss(word, weights):
    """TensorFlow's own cross-entropy would subtract the label from the softmax."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the gradient is TensorFlow's")
    import tensorflow as tf

    logits = tf.Variable(np.random.default_rng(1).normal(size=(200, 10)).astype("float32"))
    labels, hard = np.arange(200) % 10, np.eye(10, dtype="float32")[np.arange(200) % 10]
    loss = TrainingLoss(WORDS.parse(word), True)
    with tf.GradientTape(persistent=True) as tape:
        inside = loss(hard * weights[:, None], logits)
        outside = loss(hard, logits, sample_weight=weights)
    assert float(inside) == pytest.approx(float(outside), rel=1e-5)
    found, expected = (tape.gradient(one, logits).numpy() for one in (inside, outside))
    assert found == pytest.approx(expected, abs=1e-7)
    assert np.abs(found).max() > 1e-3
    if loss.chosen is CROSS_ENTROPY:
        softmax = np.exp(log_softmax(logits.numpy(), axis=1))
        assert found == pytest.approx((softmax - hard) * weights[:, None] / 200, abs=1e-7)
        assert labels.shape == (200,)


def test_a_plan_has_the_weights_with_a_mean_of_1_and_trains_with_a_loss_that_fits(file, weights):
    config = override(
        recipe("bn_mlp").config,
        {"training": {"batch_size": 20, "weighting": {"file": file}}, "model": {"hidden_units": 8}},
    )
    planned = plan(config, [20] * 10)
    assert planned.image_weights == pytest.approx(weights, rel=1e-5)
    assert planned.image_weights.dtype == np.float32
    assert planned.soft_labels
    model = fits.compile_model(fits.build_model(recipe("bn_mlp"), config.model, planned), planned)
    assert "compute_loss" in vars(model)
    plain = plan(recipe("bn_mlp").config, [100] * 10)
    assert plain.image_weights is None
    assert not plain.soft_labels


@pytest.mark.slow
def test_an_image_that_weighs_1000_times_the_mean_trains_in_float16(tmp_path):
    """The first loss scale overflows with its gradient: such steps are skipped, and few are."""
    weights = np.full(1200, 200 / 1199)
    weights[7] = 1000.0
    np.save(tmp_path / "weights.npy", weights)
    run = train(
        tmp_path / "r",
        model={"hidden_units": (8,)},
        data={"limit": 1200},
        precision="mixed_float16",
        training={
            "epochs": 4, "batch_size": 100, "learning_rate": 0.001,
            "weighting": {"file": str(tmp_path / "weights.npy")},
        },
    )  # fmt: skip
    history = run.history()
    assert all(np.isfinite(column).all() for column in history.values())
    assert all(np.isfinite(one).all() for one in run.load_model().get_weights())
    assert max(history["skipped_steps"]) <= 4  # of 12
    assert history["val_loss"][-1] < np.log(10)


def test_a_digest_is_of_the_weights_and_not_of_their_place(file, tmp_path):
    other = tmp_path / "other.npy"
    other.write_bytes((tmp_path / "weights.npy").read_bytes())
    first, second = (TrainingConfig(weighting=WeightingConfig(str(one))) for one in (file, other))
    assert digest.of(first) == digest.of(second) != digest.of(TrainingConfig())


def test_wrong_weights_are_answered(file, tmp_path):
    chosen = WeightingConfig(file)
    with pytest.raises(ConfigError, match=r"each of the 201 training images, .* shape \(200,\)"):
        chosen.read(201)
    for wrong in (0.0, -1.0, np.nan, np.inf):
        np.save(tmp_path / "wrong.npy", np.array([1.0, wrong]))
        with pytest.raises(ConfigError, match="must have a finite number above 0"):
            WeightingConfig(str(tmp_path / "wrong.npy")).read(2)
    np.save(file, np.ones(200))
    with pytest.raises(ConfigError, match="is not the one of this training: its digest is"):
        chosen.read(200)
    (tmp_path / "text.npy").write_text("1 2 3")
    with pytest.raises(ConfigError, match=r"is no \.npy file"):
        WeightingConfig(str(tmp_path / "text.npy")).read(3)
    with pytest.raises(ConfigError, match=r"none\.npy cannot be read: No such file"):
        WeightingConfig(str(tmp_path / "none.npy"))


def test_weights_are_not_combined_with_what_else_weighs_or_compares(file):
    weighting = WeightingConfig(file)
    with pytest.raises(ConfigError, match=r"combined with class_weight 'balanced'\. Leave out one"):
        TrainingConfig(weighting=weighting, class_weight="balanced")
    with pytest.raises(ConfigError, match="the weights of single images have no part"):
        TrainingConfig(weighting=weighting, adaptive_dropout=AdaptiveDropoutConfig(enabled=True))


@pytest.mark.slow
def test_a_weighted_training_goes_on_after_a_kill_and_differs_from_one_without(
    tmp_path, monkeypatch
):
    values = np.random.default_rng(0).gamma(0.5, size=600) + 0.01
    np.save(tmp_path / "w.npy", values)
    weighting = {"file": str(tmp_path / "w.npy")}
    options = {**OPTIONS, "training": {**OPTIONS["training"], "weighting": weighting}}
    whole = train(tmp_path / "whole", **options)
    stopped(tmp_path / "r", 1, monkeypatch, **options)
    assert_same(train(tmp_path / "r", resume=True), whole)
    without = train(tmp_path / "without", **OPTIONS)
    pairs = zip(whole.load_model().get_weights(), without.load_model().get_weights(), strict=True)
    assert not all(np.array_equal(one, other) for one, other in pairs)
