"""What the words of a training must hold; see ``test_words.KINDS``."""

import dataclasses

import keras
import numpy as np
import pytest

from fashion_zoo.optimizers import WORDS, build_optimizer


def loss(word, vocabulary, images):
    each, prior = vocabulary.parse(word).each, np.log([0.7, 0.2, 0.1]).astype("float32")
    logits = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    for scale in (1, 100):
        found = keras.ops.convert_to_numpy(each(scale * logits, prior))
        moved = keras.ops.convert_to_numpy(each(scale * logits + 3, prior))
        assert (found.shape, found.dtype) == ((8, 3), np.float32)
        assert np.isfinite(found).all()
        assert found.min() >= 0
        assert moved == pytest.approx(found, abs=1e-4), "only differences of logits count"
    sure = keras.ops.convert_to_numpy(each(50 * np.eye(3, dtype="float32"), prior))
    assert np.diag(sure) == pytest.approx(np.zeros(3), abs=1e-6)


def class_weight(word, vocabulary, images):
    weights = vocabulary.parse(word)
    found = weights(np.array([1000, 30, 1, 30]))
    assert (found.shape, found.dtype) == ((4,), np.float64)
    assert 0 < found[0] <= found[1] <= found[2]
    assert found[1] == found[3]
    assert weights(np.array([7, 7, 7])) == pytest.approx(np.ones(3), rel=1e-12)


def averaging(word, vocabulary, images):
    made = vocabulary.parse(word)
    given = [one for one in dataclasses.astuple(made) if one is not None]
    assert len(given) == (word != "none")
    assert vocabulary.parse(word) == made


def clipping(word, vocabulary, images):
    """A gradient gets no longer; where all of it is within the limits, it stays."""
    made = build_optimizer(
        WORDS.parse("sgd(momentum=0.0, nesterov=False)"),
        learning_rate=1.0,
        clipping=vocabulary.parse(word),
    )
    generator = np.random.default_rng(0)
    start = [generator.normal(size=shape) for shape in ((5, 4), (4,), (4, 3), (3,))]
    variables = [keras.Variable(one) for one in start]
    made.build(variables)
    for scale in (1e-4, 0, 100):
        before = [keras.ops.convert_to_numpy(one) for one in variables]
        gradients = [scale * generator.normal(size=one.shape).astype("float32") for one in start]
        made.apply([keras.ops.convert_to_tensor(one) for one in gradients], variables)
        after = map(keras.ops.convert_to_numpy, variables)
        moved = [one - two for one, two in zip(before, after, strict=True)]
        pairs = list(zip(moved, gradients, strict=True))
        assert all(np.all(np.abs(one) <= np.abs(two) + 1e-4) for one, two in pairs)
        if scale < 1:
            assert all(np.abs(one - two).max() < 1e-6 for one, two in pairs)
    assert (np.abs(moved[0]).max() < 10) == (word != "none")
