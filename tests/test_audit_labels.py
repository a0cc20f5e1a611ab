"""Likely label errors: who predicts what, and what is suspected."""

import dataclasses
import signal

import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError
from fashion_zoo.auditing import default_config, folds, labels
from fashion_zoo.auditing.collection import gather
from fashion_zoo.auditing.labels import folds_of, suspects
from fashion_zoo.show.progress import TrainingDisplay


def sure(classes, confidence=0.99, count=10):
    """Probabilities of models that are sure of these classes."""
    rest = (1 - confidence) / (count - 1)
    return np.where(np.eye(count)[classes] == 1, confidence, rest)


@pytest.fixture
def guessed():
    """400 labels and the probabilities of good models."""
    given = np.arange(400) % 10
    return given, sure(given)


def wrong(likely, given, place, quality):
    """Another class than the given one is as good as sure."""
    likely[place] = sure(np.array([(given[place] + 1) % 10]), 0.999)[0]
    likely[place, given[place]] = quality


def test_labels_that_are_next_to_impossible_are_suspected_the_least_likely_first(guessed):
    given, likely = guessed
    for place, quality in ((5, 0.001), (17, 0.0001), (29, 0.0005)):
        wrong(likely, given, place, quality)
    assert suspects(given, likely).tolist() == [17, 29, 5]


def test_a_label_that_is_not_unlikely_enough_is_not_suspected(guessed):
    given, likely = guessed
    wrong(likely, given, 5, labels.LIMIT * 1.01)
    assert suspects(given, likely).tolist() == []
    wrong(likely, given, 5, labels.LIMIT)
    assert suspects(given, likely).tolist() == [5]


def test_a_class_that_is_likely_but_not_as_sure_as_usual_is_no_reason(guessed):
    given, likely = guessed
    likely[5] = sure(np.array([(given[5] + 1) % 10]), 0.97)[0]  # the others have 0.99
    likely[5, given[5]] = 0.0001
    assert suspects(given, likely).tolist() == []


def test_a_test_label_has_no_effect_but_on_its_own_suspicion(guessed):
    given, likely = guessed
    known = np.arange(400) < 300
    for place in (3, 4, 350, 351):
        wrong(likely, given, place, 0.0001)
    assert set(suspects(given, likely, known).tolist()) == {3, 4, 350, 351}
    for label in range(10):
        given[301:350] = label
        now = suspects(given, likely, known)
        assert set(now.tolist()) - set(range(301, 350)) == {3, 4, 350, 351}


def test_equal_images_are_in_one_fold_and_every_class_in_each(images):
    x, y = images.images.copy(), images.labels.copy()
    x[:20], y[:20] = x[20:40], y[20:40]
    collection = gather(fashion_zoo.data.load((x, y)))
    fold_of = folds_of(collection, 4)
    equal = collection.first_equals[collection.learned]
    for first in np.unique(equal):
        assert len(set(fold_of[equal == first].tolist())) == 1
    learned = collection.labels[collection.learned]
    for fold in range(4):
        assert set(learned[fold_of == fold].tolist()) == set(range(10))


def test_more_folds_than_a_class_has_images_are_refused(images):
    with pytest.raises(ConfigError, match=r"folds must be at most 17, the number .*=0"):
        fashion_zoo.audit(tuple(images), folds=18)
    with pytest.raises(ConfigError, match=r"folds must be at least 2, or 0 .* received 1"):
        fashion_zoo.audit(tuple(images), folds=1)


@pytest.mark.parametrize("setting", ["limit", "long_tail"])
def test_an_audit_of_a_part_of_the_images_is_refused(setting, images):
    with pytest.raises(ConfigError, match=rf"all images of a source. Leave out data.{setting}"):
        fashion_zoo.audit(tuple(images), data_settings={setting: 100})


@pytest.mark.parametrize(
    "changes",
    [{"early_stopping": {"monitor": "loss"}}, {"averaging": "swa(0.5)"},
     {"plateau": {"monitor": "loss"}, "schedules": {"learning_rate": "constant"}}],
)  # fmt: skip
def test_no_setting_may_learn_from_the_labels_of_a_fold(changes, images):
    with pytest.raises(ConfigError, match=r"must not learn .* Set training=.*none"):
        fashion_zoo.audit(tuple(images), training=changes)


def test_every_image_is_judged_by_models_that_never_saw_it(images, monkeypatch):
    data = fashion_zoo.data.load((*images, images.images[:30] // 2, images.labels[:30]))
    collection, trained = gather(data), []

    def train(entry, config, fold, display):
        trained.append(fold)
        return len(trained)

    def predict(model, pixels):
        seen = {image.tobytes() for image in trained[-1].train.images}
        assert not any(image.tobytes() in seen for image in pixels)
        return np.full((len(pixels), 10), float(model))

    monkeypatch.setattr(folds, "_trained", train)
    monkeypatch.setattr(folds, "probabilities", predict)
    fold_of, display = folds_of(collection, 3), TrainingDisplay(False)
    entry = fashion_zoo.recipe("bn_mlp")
    found = folds.out_of_fold(entry, None, data, collection, fold_of, display)
    assert np.array_equal(found[collection.learned, 0], 1 + fold_of)
    assert np.allclose(found[collection.tested], 2)  # the mean of all three
    assert [len(fold.train.labels) + len(fold.validation.labels) for fold in trained] == [200] * 3


def test_batches_of_few_images_are_small_and_those_of_many_are_the_recipes(images, monkeypatch):
    sizes = []
    monkeypatch.setattr(folds, "plan", lambda config, counts: sizes.append(config))
    monkeypatch.setattr(folds, "build_model", lambda *_: None)
    monkeypatch.setattr(folds, "fit", lambda *_: None)
    data = fashion_zoo.data.load(tuple(images))
    for count in (200, 3000, 60_000):
        part = dataclasses.replace(data, positions=data.positions._replace(train=np.arange(200)))
        monkeypatch.setattr(type(part), "count", count)
        folds._trained(None, default_config(), part, TrainingDisplay(False))
    assert [one.training.batch_size for one in sizes] == [16, 128, 512]


def test_ctrl_c_is_answered_at_once_and_ends_the_training_of_a_fold(images, monkeypatch, capfd):
    def press(model, planned, data, callbacks, display):
        signal.raise_signal(signal.SIGINT)  # noted, so that fit ends where it is safe

    monkeypatch.setattr(folds, "plan", lambda config, counts: None)
    monkeypatch.setattr(folds, "build_model", lambda *_: None)
    monkeypatch.setattr(folds, "fit", press)
    data = fashion_zoo.data.load(tuple(images))
    with pytest.raises(KeyboardInterrupt):
        folds._trained(None, default_config(), data, TrainingDisplay(False))
    assert capfd.readouterr().err == (
        "Stopping after this step; no audit is written. Press Ctrl-C again to leave at once.\n"
    )


def test_the_models_do_not_smooth_labels_and_are_else_the_quick_recipe():
    quick = fashion_zoo.recipe("bn_mlp.quick").config
    smooth = {"training": {"label_smoothing": quick.training.label_smoothing}}
    assert default_config().training.label_smoothing == 0
    assert fashion_zoo.override(default_config(), smooth) == quick
