import gc
import weakref

import keras
import numpy as np
import pytest

from fashion_zoo.data.batches import encode, epoch_order, orders
from fashion_zoo.data.pipeline import _array_batches, training_pipeline


def read(pipeline, epoch):
    pipeline.start_epoch(epoch)
    return [(x.numpy(), y.numpy()) for x, y in pipeline.batches]


def make(images, **changes):
    settings = {
        "batch_size": 64,
        "seed": 5,
        "num_classes": 10,
        "soft_labels": "label_smoothing" in changes,
    }
    return training_pipeline(images, **(settings | changes))


def test_an_epoch_is_the_numpy_order_exactly(images):
    pipeline = make(images)
    assert len(pipeline.batches) == 3
    for epoch in (0, 1, 7, 1):
        order = epoch_order(200, 64, seed=5, epoch=epoch)
        batches = read(pipeline, epoch)
        assert len(batches) == 3
        for rows, (x, y) in zip(order, batches, strict=True):
            assert x.dtype == np.uint8
            assert np.array_equal(x, images.images[rows])
            assert np.array_equal(y, images.labels[rows])


def test_fit_reads_the_order_of_each_epoch(images):
    """Every label is its image's position, and the loss writes down what it is given."""
    positions = images._replace(labels=np.arange(200))
    pipeline = make(positions, num_classes=200)
    seen = []

    def loss(y_true, y_pred):
        seen.append(y_true.numpy().ravel().tolist())
        return keras.ops.sum(y_pred)

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", loss, run_eagerly=True)
    start = keras.callbacks.LambdaCallback(on_epoch_begin=lambda e, _: pipeline.start_epoch(e))
    model.fit(pipeline.batches, epochs=3, shuffle=False, verbose=0, callbacks=[start])
    expected = [epoch_order(200, 64, seed=5, epoch=epoch).tolist() for epoch in range(3)]
    assert seen == [rows for epoch in expected for rows in epoch]


@pytest.mark.parametrize("sampling", ["shuffle", "balanced", "bootstrap"])
def test_nothing_of_a_pipeline_that_is_gone_stays_in_the_process(images, sampling, monkeypatch):
    def make_orders(*settings):
        made.append(weakref.ref(order := orders(*settings)))
        return order

    made = []
    monkeypatch.setattr("fashion_zoo.data.pipeline.orders", make_orders)
    batches = make(images, sampling=sampling).batches
    gc.collect()
    assert len(list(batches)) == 3, "the batches keep what they need"
    del batches
    gc.collect()
    assert made[0]() is None


def test_fit_may_make_an_iterator_ahead_and_drop_it(images):
    pipeline = make(images)
    pipeline.start_epoch(0)
    iter(pipeline.batches)
    assert np.array_equal(read(pipeline, 1)[0][1], images.labels[epoch_order(200, 64, 5, 1)[0]])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's pipeline")
def test_no_thread_adjusts_the_pipeline_whose_end_would_wait_for_it(images):
    options = make(images).batches.options()
    assert options.autotune.enabled is False


def test_smoothed_labels_arrive_as_probabilities(images):
    _, labels = read(make(images, label_smoothing=0.1), 0)[0]
    assert labels.shape == (64, 10)
    assert np.allclose(labels.sum(axis=1), 1)
    assert np.isclose(labels.max(), 0.91)


def test_other_backends_read_the_same_batches(images):
    def order(epoch):
        return epoch_order(200, 64, 5, epoch)

    batches, start_epoch = _array_batches(images.images, images.labels, order, 3, {})
    tensorflow = make(images)
    for epoch in (0, 3):
        start_epoch(epoch)
        for step, (x, y) in enumerate(read(tensorflow, epoch)):
            assert np.array_equal(x, batches[step][0])
            assert np.array_equal(y, batches[step][1])


def test_smoothing_that_moves_has_its_own_value_each_step(images):
    table = [step / 10 for step in range(6)]  # two epochs of three steps
    pipeline = make(images, label_smoothing=np.array(table, dtype="float32"))
    one_hot = encode(images.labels, 10, 0.0)
    batches, start_epoch = _array_batches(
        images.images,
        one_hot,
        lambda epoch: epoch_order(200, 64, 5, epoch),
        3,
        {"label_smoothing": np.array(table, dtype="float32")},
    )
    for epoch in (1, 0):
        rows = epoch_order(200, 64, 5, epoch)
        start_epoch(epoch)
        for step, (_, labels) in enumerate(read(pipeline, epoch)):
            expected = encode(images.labels[rows[step]], 10, table[3 * epoch + step])
            assert labels == pytest.approx(expected, abs=1e-7)
            assert batches[step][1] == pytest.approx(expected, abs=1e-7)
