"""The input pipeline of ``fit``, keyed by (seed, epoch); one pass is one epoch."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from fashion_zoo.augment.policies import Policy
from fashion_zoo.config.training import Sampling
from fashion_zoo.data.batches import encode, orders, smooth, steps_per_epoch
from fashion_zoo.data.dataset import Images
from fashion_zoo.data.views import Views
from fashion_zoo.errors import ConfigError

Tables = Mapping[str, np.ndarray]  # name of a live value: its value at each step of the training


class Pipeline(NamedTuple):
    """The batches of an epoch; ``fit`` iterates over them once per epoch."""

    # (images, labels) for fit, or (images, (labels, taught)); images keep their shape, float32 if
    # augmented.
    batches: Any
    start_epoch: Callable[[int], None]  # called with an epoch, from 0, before its iterator is made


def training_pipeline(
    data: Images,
    *,
    batch_size: int,
    seed: int,
    num_classes: int,
    soft_labels: bool = False,
    sampling: Sampling = "shuffle",
    accumulation: int = 1,
    policy: Policy = (),
    label_smoothing: float | np.ndarray = 0.0,
    augmentation: float | np.ndarray = 1.0,
    mixing: float | np.ndarray = 1.0,
    prior: np.ndarray | None = None,
    views: Views | None = None,
    taught: np.ndarray | None = None,
    image_weights: np.ndarray | None = None,
    image_shape: tuple[int, ...] | None = None,
) -> Pipeline:
    """Make the training pipeline of images in the shape that the model takes.

    The images stay resident as uint8 and each batch is one gather: on a small network that is
    faster than a stream of single images. With ``soft_labels`` labels are (batch, classes) float32
    probabilities, else (batch,) int32 classes. ``label_smoothing``, the strength of
    ``augmentation`` in [0, 1] and the factor of the probability of ``mixing`` are numbers, or
    float32 tables with one for each step of the training. ``sampling`` is how an epoch is drawn,
    see ``orders``. An epoch has a multiple of ``accumulation`` batches. Labels are smoothed towards
    ``prior``, (classes,) float32, by default evenly. With ``image_weights``, (images,) float32, the
    soft labels of an image sum to its weight, mixed as the images are. ``image_shape`` is (height,
    width). With ``views`` epochs repeat, but for what moves by the step.

    ``taught`` are float32 logits of a teacher, which come with the labels: (images, classes), or
    with ``views`` those of the batches, (distinct epochs, steps, batch, classes).
    """
    import keras

    if policy:
        need_tensorflow()
    live = {"label_smoothing": label_smoothing, "augmentation": augmentation, "mixing": mixing}
    tables = {name: value for name, value in live.items() if isinstance(value, np.ndarray)}
    smoothing = 0.0 if isinstance(label_smoothing, np.ndarray) else label_smoothing
    labels = encode(
        data.labels, num_classes, smoothing if soft_labels else None, prior, image_weights
    )
    if image_weights is not None:  # labels do not sum to 1: they spread a fraction of their sum
        even = np.full(num_classes, 1 / num_classes, "float32")
        prior = np.tile(even if prior is None else prior, (num_classes, 1))
    order = _order(orders(data.labels, batch_size, seed, sampling, accumulation), views)
    steps = steps_per_epoch(len(labels), batch_size, accumulation)
    if keras.backend.backend() == "tensorflow":
        shape = image_shape or data.images.shape[1:]
        change = _augmentation(policy, seed, shape, live, steps, views) if policy else None
        kept = None if taught is None else _kept(taught, steps, views)
        return _tf_batches(data.images, labels, order, steps, tables, change, prior, kept)
    return _array_batches(data.images, labels, order, steps, tables, prior, taught)


def need_tensorflow() -> None:
    """Raise ConfigError if augmentation is not possible, on another backend than tensorflow."""
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ConfigError(
            f"augmentation is done by TensorFlow, and the backend is {backend}. Set "
            "KERAS_BACKEND=tensorflow, or leave it out."
        )


def _order(order: Callable[[int], np.ndarray], views: Views | None) -> Callable[[int], np.ndarray]:
    return order if views is None else lambda epoch: order(views.key(epoch))


def _augmentation(
    policy: Policy,
    seed: int,
    image_shape: tuple[int, ...],
    live: Mapping[str, float | np.ndarray],
    steps: int,
    views: Views | None,
):
    """Return a function of images, labels and the number of their step in the training."""
    import tensorflow as tf

    from fashion_zoo.augment import Augmenter, Strength

    augmenter = Augmenter(policy, seed)
    strengths = live["augmentation"], live["mixing"]

    def change(images, labels, number):
        epoch, step = number // steps, number % steps
        key = epoch if views is None else views.key(epoch)
        strength = Strength(*(tf.gather(one, number) if np.ndim(one) else one for one in strengths))
        pixels = tf.reshape(images, (len(images), *image_shape))
        pixels, labels = augmenter(pixels, labels, key, step, strength)
        return tf.reshape(pixels, images.shape), labels

    return change


def _kept(taught: np.ndarray, steps: int, views: Views | None):
    """Return a function of the number of a step and its image positions to the teacher's logits."""
    import tensorflow as tf

    logits = tf.constant(taught)
    if views is None:
        return lambda number, indices: tf.gather(logits, indices)
    distinct = tf.constant(views.distinct, tf.int64)  # as the number of a step
    return lambda number, indices: logits[tf.gather(distinct, number // steps), number % steps]


def _tf_batches(images, labels, order, steps, tables, change, prior, kept) -> Pipeline:
    import tensorflow as tf

    # fit makes a new iterator for each epoch; the iterator reads the variable when it starts.
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    batch = order(0).shape[1]
    images, labels = tf.constant(images), tf.constant(labels)

    def rows(_):
        # TensorFlow keeps what is called here, and all that it refers to, as long as the process
        # lives. The order refers to labels; ``rows`` keeps it, with the batches.
        order_of = weakref.proxy(order)
        indices = tf.numpy_function(order_of, [epoch], tf.int32, stateful=True)
        numbers = epoch * steps + tf.range(steps, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices(
            (numbers, tf.ensure_shape(indices, (steps, batch)))
        )

    def gather(number, indices):
        pixels, answers = tf.gather(images, indices), tf.gather(labels, indices)
        if change is not None:
            pixels, answers = change(pixels, answers, number)
        if "label_smoothing" in tables:
            answers = smooth(answers, tf.gather(tables["label_smoothing"], number), prior)
        return pixels, answers if kept is None else (answers, kept(number, indices))

    batches = (
        tf.data.Dataset.range(1)
        .flat_map(rows)
        .map(gather, num_parallel_calls=2, deterministic=True)
        .prefetch(4)
        .apply(tf.data.experimental.assert_cardinality(steps))
        .with_options(_fixed())
    )
    return Pipeline(batches, epoch.assign)


def _fixed():
    """Return options that leave parallel calls and prefetching as they are.

    Otherwise a thread would adjust them, and now and then the end of an epoch waits until it wakes
    up: it sleeps 10 ms, and twice as long each time, so an epoch takes up to twice as long.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _array_batches(images, labels, order, steps, tables, prior=None, taught=None) -> Pipeline:
    import keras

    class Batches(keras.utils.PyDataset):
        indices, first = order(0), 0

        def __len__(self):
            return steps

        def __getitem__(self, step):
            answers = labels[self.indices[step]]
            if "label_smoothing" in tables:
                share = tables["label_smoothing"][self.first + step]
                answers = smooth(answers, share, prior)
            if taught is not None:
                answers = answers, taught[self.indices[step]]
            return images[self.indices[step]], answers

    batches = Batches()

    def start_epoch(epoch: int) -> None:
        batches.indices, batches.first = order(epoch), epoch * steps

    return Pipeline(batches, start_epoch)
