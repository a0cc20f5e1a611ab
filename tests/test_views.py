"""Distillation on a fixed set of augmented views: what repeats, what is predicted, and when."""

import keras
import numpy as np
import pytest
from distilling import config, student
from fitting import fit_recipe
from resuming import OPTIONS, assert_same, stopped, train
from test_distillation_runs import options

import fashion_zoo
from fashion_zoo import ConfigError, override, recipe
from fashion_zoo.augment import policies
from fashion_zoo.config import TrainingConfig
from fashion_zoo.config.switches import check_switches
from fashion_zoo.data.batches import epoch_order
from fashion_zoo.data.pipeline import training_pipeline
from fashion_zoo.data.views import repeat
from fashion_zoo.training import distillation
from fashion_zoo.training.fit import compile_model, make_pipeline
from fashion_zoo.training.loss import teaching_of
from fashion_zoo.training.plan import plan

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow augments"
)
MIXED = "flip | shift(2) | mixup(0.4, 0.5)"
HALF = {"mixing": "step(0, at=[0.5])"}


@pytest.mark.parametrize(
    ("last", "numbers", "firsts"),
    [
        (16, [0, 1, 2, 0, 1, 2, 0, 1], [0, 1, 2]),  # the strength stays
        (8, [0, 1, 2, 0, 3, 4, 5, 3], [0, 1, 2, 4, 5, 6]),
        (9, [0, 1, 2, 0, 3, 4, 5, 6], [0, 1, 2, 4, 5, 6, 7]),  # within epoch 4
    ],
)
def test_epochs_are_equal_if_their_number_and_their_strengths_are(last, numbers, firsts):
    table = np.array([1.0] * last + [0.0] * (16 - last), "float32")
    found = repeat(3, 8, [np.ones(16, "float32"), table])
    assert found.distinct.tolist() == numbers
    assert found.firsts == firsts
    assert [found.key(epoch) for epoch in range(8)] == [0, 1, 2, 0, 1, 2, 0, 1]


def test_epochs_that_repeat_have_the_same_order_and_images_and_labels_of_their_own_step(images):
    table = np.linspace(0, 0.5, 12, dtype="float32")  # of 4 epochs
    pipeline = training_pipeline(
        images, batch_size=64, seed=5, num_classes=10, soft_labels=True, label_smoothing=table,
        policy=policies.parse("flip | shift(2) | mixup"), views=repeat(2, 4),
    )  # fmt: skip
    plain = training_pipeline(images, batch_size=64, seed=5, num_classes=10, views=repeat(2, 4))
    epochs = [read(pipeline, epoch) for epoch in range(4)]
    for first, second in ((0, 2), (1, 3)):
        assert np.array_equal(epochs[first][0], epochs[second][0])
        assert not np.array_equal(epochs[first][1], epochs[second][1]), "their smoothing moves"
        order = epoch_order(200, 64, 5, first)
        assert np.array_equal(read(plain, second)[1], images.labels[order])
    assert not np.array_equal(epochs[0][0], epochs[1][0])


def read(pipeline, epoch):
    """Return the images and the labels of an epoch, (steps, batch, ...)."""
    pipeline.start_epoch(epoch)
    return [np.stack(each) for each in zip(*pipeline.batches.as_numpy_iterator(), strict=True)]


@pytest.mark.slow
def test_a_teacher_predicts_each_batch_of_the_distinct_epochs_once_before_the_first_step(
    teacher, monkeypatch
):
    """Mixed images in the first half, whole ones after: four epochs for two views of six epochs."""
    texts, seen = [], []
    planned, model, data = student(of(teacher, 2, epochs=6, schedules=HALF))
    compile_model(model, planned)
    teaching = teaching_of(model).teacher

    def waiting(text, progress):
        texts.append((text, progress))
        return shown(text, progress)

    def predict(batches, **options):
        seen.extend(batches.as_numpy_iterator())
        return usual(batches, **options)

    shown, usual = distillation.waiting, teaching.predict
    monkeypatch.setattr(distillation, "waiting", waiting)
    monkeypatch.setattr(teaching, "predict", predict)
    pipeline = make_pipeline(model, planned, data, progress=False)
    assert texts == [(f"The teacher predicts, epoch {n} of 4", False) for n in range(1, 5)]
    assert [len(one) for one in seen] == [140] * 4 * planned.steps
    its = teacher.load_model()
    given = {one.tobytes() for one in seen}
    for epoch in range(6):
        pipeline.start_epoch(epoch)
        for images, (_, kept) in pipeline.batches:
            assert np.asarray(images).tobytes() in given, "bit for bit those of the teacher"
            assert kept.dtype == "float32"
            assert np.asarray(kept) == pytest.approx(its.predict_on_batch(images), abs=1e-4)


def of(teacher, views, **training):
    """Return the config of a student of augmented images, three batches in an epoch."""
    settings = {"augmentation": MIXED, "batch_size": 140, **training}
    return config(teacher, distilling={"views": views}, **settings)


@pytest.mark.slow
def test_with_as_many_views_as_epochs_a_student_trains_as_one_whose_teacher_is_in_the_step(
    teacher,
):
    """The logits differ in their last bits at most: another program computes them."""
    moving = {"label_smoothing": 0.1, "schedules": {"label_smoothing": "linear", **HALF}}
    found = [fit_recipe("bn_mlp", of(teacher, views, epochs=3, **moving)) for views in (3, 0)]
    (model, rows), (other, expected) = found
    for row, its in zip(rows, expected, strict=True):
        assert row == pytest.approx(its, rel=1e-4)
    for one, its in zip(model.get_weights(), other.get_weights(), strict=True):
        assert one == pytest.approx(its, abs=1e-5)


def test_a_mixture_of_0_repeats_nothing(teacher):
    unused = {"views": 1, "mixture": 0}
    chosen = config(teacher, distilling=unused, augmentation=MIXED, batch_size=140)
    assert plan(chosen, [42] * 10).views is None
    assert plan(of(teacher, 1), [42] * 10).views.firsts == [0]
    assert plan(of(teacher, 0), [42] * 10).views is None


def test_a_strength_that_moves_in_every_step_is_refused_before_training(teacher, tmp_path):
    linear = {"augmentation": "linear", **HALF}
    settings = {"augmentation": MIXED, "epochs": 6, "schedules": linear}
    message = (
        r"distillation\.views 2 repeats the images of 2 epochs, and with schedules\.augmentation "
        r"'linear' and schedules\.mixing 'step\(0, at=\[0\.5\]\)' 6 of 6 epochs differ, more than "
        r"5\. Choose a constant or one step, such as 'step\(0, at=\[0\.8\]\)', or set "
        r'training=\{"distillation": \{"views": 0\}\}\.'
    )
    chosen = {**settings, "distillation": {"teacher": teacher, "views": 2}}
    with pytest.raises(ConfigError, match=message):
        fashion_zoo.train(
            "bn_mlp", run_dir=tmp_path / "r", data={"limit": 420}, training=chosen, export=False
        )
    assert not (tmp_path / "r").exists()
    assert len(plan(of(teacher, 3, epochs=6, schedules=linear), [42] * 10).views.firsts) == 6


@pytest.mark.parametrize("place", [0.5, 0.46])
def test_one_step_is_never_refused_wherever_it_falls(teacher, place):
    step = {"mixing": f"step(0, at=[{place}])"}
    found = plan(of(teacher, 2, epochs=20, schedules=step), [42] * 10).views
    assert len(found.firsts) == 4 + (place == 0.46)  # within an epoch


def test_views_without_augmentation_have_no_effect_and_are_refused(teacher):
    taught = override(TrainingConfig(), {"distillation": {"teacher": teacher, "views": 4}})
    with pytest.raises(ConfigError) as refused:
        check_switches(taught)
    assert str(refused.value) == (
        "distillation.views 4 has no effect while augmentation is 'none': then an image has one "
        'view, and its logits are kept. Set training={"augmentation": "standard"}, or leave views '
        "at 0."
    )
    check_switches(override(taught, {"augmentation": "flip"}))
    with pytest.raises(ConfigError, match=r"distillation\.views must be a whole number of at leas"):
        override(taught, {"distillation": {"views": -1}})
    assert plan(override(recipe("bn_mlp").config, {"training": taught}), [42] * 10).views is None


@pytest.mark.slow
def test_a_student_of_views_that_was_killed_goes_on_to_the_same_run(teacher, tmp_path, monkeypatch):
    schedules = {**OPTIONS["training"]["schedules"], **HALF}
    repeated = {"teacher": teacher, "views": 2}
    chosen = options(teacher, augmentation=MIXED, distillation=repeated, schedules=schedules)
    whole = train(tmp_path / "whole", **chosen)
    stopped(tmp_path / "r", 2, monkeypatch, **chosen)
    assert_same(train(tmp_path / "r", resume=True), whole)


@pytest.mark.slow
def test_a_fork_sees_the_views_of_its_epochs(teacher, tmp_path):
    plain = {**OPTIONS, "training": {**OPTIONS["training"], "epochs": 1}}
    train(tmp_path / "plain", **plain)
    found = []
    for views in (2, 0):
        chosen = {"epochs": 2, "augmentation": MIXED}
        chosen["distillation"] = {"teacher": teacher, "views": views}
        run = train(tmp_path / f"of_{views}", fork=tmp_path / "plain", training=chosen)
        found.append(run.history()["loss"])
    assert found[0] == pytest.approx(found[1], rel=1e-4)
