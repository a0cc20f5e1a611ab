import numpy as np
import pytest

from fashion_zoo import ConfigError
from fashion_zoo.data.batches import encode, epoch_order, steps_per_epoch


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


def test_labels_are_integers_without_smoothing():
    encoded = encode(np.array([3, 0], dtype=np.uint8), 10, None)
    assert encoded.dtype == np.int32
    assert encoded.tolist() == [3, 0]


def test_smoothing_spreads_its_fraction_over_all_classes():
    encoded = encode(np.array([1]), 4, 0.2)
    assert encoded.dtype == np.float32
    assert encoded[0].tolist() == pytest.approx([0.05, 0.85, 0.05, 0.05])
