import numpy as np
import pytest

from fashion_zoo import ConfigError
from fashion_zoo.config import AdaptiveDropoutConfig, TrainingConfig
from fashion_zoo.data.batches import bootstrap, encode, epoch_order, orders, steps_per_epoch
from fashion_zoo.data.pipeline import _array_batches, training_pipeline


def test_an_epoch_reads_each_image_at_most_once():
    order = epoch_order(1_003, 100, seed=0, epoch=0)
    assert order.shape == (10, 100)
    assert order.dtype == np.int32
    assert len(set(order.ravel().tolist())) == 1_000


def test_the_order_is_keyed_by_seed_and_epoch():
    first = epoch_order(100, 10, seed=0, epoch=0)
    assert np.array_equal(first, epoch_order(100, 10, seed=0, epoch=0))
    assert not np.array_equal(first, epoch_order(100, 10, seed=0, epoch=1))
    assert not np.array_equal(first, epoch_order(100, 10, seed=1, epoch=0))


def test_the_order_never_changes_between_releases():
    assert epoch_order(10, 5, seed=3, epoch=7).tolist() == [[3, 0, 1, 6, 9], [7, 5, 8, 2, 4]]


def test_a_batch_of_more_images_than_there_are_is_refused_with_the_bound():
    assert steps_per_epoch(100, 100) == 1
    message = "training.batch_size must be at most 99, the number of training images; received 100"
    with pytest.raises(ConfigError, match=message):
        epoch_order(99, 100, seed=0, epoch=0)


def test_a_bootstrap_sample_is_drawn_with_replacement_and_keyed_by_the_seed():
    sample = bootstrap(60_000, seed=0)
    assert (sample.shape, sample.dtype) == ((60_000,), np.int32)
    assert (sample.min(), sample.max()) == (0, 59_999)
    assert len(np.unique(sample)) / 60_000 == pytest.approx(1 - 1 / np.e, abs=0.004)  # 5 sigma
    assert np.array_equal(sample, bootstrap(60_000, seed=0))
    assert not np.array_equal(sample, bootstrap(60_000, seed=1))
    assert bootstrap(10, seed=3).tolist() == [0, 0, 2, 3, 5, 8, 8, 8, 9, 9]  # in every version


def test_each_epoch_takes_every_place_of_the_one_bootstrap_sample_once():
    labels, sample = np.zeros(100, np.uint8), bootstrap(100, seed=5)
    order = orders(labels, 10, 5, "bootstrap")
    first, second = order(0), order(1)
    assert (first.shape, first.dtype) == ((10, 10), np.int32)
    assert sorted(first.ravel()) == sorted(second.ravel()) == sample.tolist()
    assert np.array_equal(first, sample[epoch_order(100, 10, 5, 0)])
    assert not np.array_equal(first, second)
    together = orders(labels, 10, 5, "bootstrap", accumulation=2)(0)
    assert np.array_equal(together, sample[epoch_order(100, 20, 5, 0)].reshape(10, 10))


def test_the_pipeline_reads_the_images_of_the_bootstrap_sample_on_every_backend(images):
    options = {"batch_size": 20, "seed": 5, "num_classes": 10}
    pipeline = training_pipeline(images, sampling="bootstrap", **options)
    order = orders(images.labels, 20, 5, "bootstrap")
    other, start = _array_batches(images.images, images.labels, order, 10, {})
    for epoch in (0, 3):
        pipeline.start_epoch(epoch)
        start(epoch)
        for step, (pixels, labels) in enumerate(pipeline.batches):
            rows = order(epoch)[step]
            assert np.array_equal(pixels, images.images[rows])
            assert np.array_equal(labels, images.labels[rows])
            assert np.array_equal(labels, other[step][1])


def test_a_bootstrap_sample_corrects_no_class_frequencies():
    TrainingConfig(sampling="bootstrap", class_weight="balanced")
    TrainingConfig(sampling="bootstrap", adaptive_dropout=AdaptiveDropoutConfig(enabled=True))
    assert TrainingConfig().sampling == "shuffle"


def test_labels_are_integers_without_smoothing():
    encoded = encode(np.array([3, 0], dtype=np.uint8), 10, None)
    assert encoded.dtype == np.int32
    assert encoded.tolist() == [3, 0]


def test_smoothing_spreads_its_fraction_over_all_classes():
    encoded = encode(np.array([1]), 4, 0.2)
    assert encoded.dtype == np.float32
    assert encoded[0].tolist() == pytest.approx([0.05, 0.85, 0.05, 0.05])
