"""Distillation: its loss against closed forms, what a teacher sees, and what is refused."""

import dataclasses
import shutil
import zipfile

import keras
import numpy as np
import pytest
from distilling import SMALL, TEACHING, config, student
from fitting import Silent, fit_recipe

import fashion_zoo
from fashion_zoo import (
    ConfigError,
    DistillationConfig,
    RunError,
    TrainingConfig,
    override,
    recipe,
    runs,
)
from fashion_zoo.config import digest
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.data import load
from fashion_zoo.experiments import Arm, Experiment
from fashion_zoo.losses import divergence
from fashion_zoo.training import distillation
from fashion_zoo.training.fit import compile_model, fit, make_pipeline
from fashion_zoo.training.gradients import gradients
from fashion_zoo.training.loss import teaching_of
from fashion_zoo.training.untrained import untrained_loss


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def closed_form(teacher, logits, temperature):
    """(n,) float64: T^2 times the Kullback-Leibler divergence of the tempered probabilities."""
    p, q = softmax(teacher / temperature), softmax(logits / temperature)
    return temperature**2 * (p * np.log(p / q)).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 20.0])
def test_divergence_and_gradient_are_their_closed_forms(temperature):
    taught, logits = 2 * np.random.default_rng(0).normal(size=(2, 12, 10))
    tensors = [keras.ops.convert_to_tensor(one.astype("float32")) for one in (taught, logits)]
    found = keras.ops.convert_to_numpy(divergence(*tensors, temperature))
    rounded = 1e-6 * max(temperature**2 / 4, 1)  # of probabilities that are nearly equal
    assert found == pytest.approx(closed_form(taught, logits, temperature), rel=1e-6, abs=rounded)
    (slope,) = gradients(
        lambda given: keras.ops.sum(divergence(tensors[0], given[0], temperature)), tensors[1:]
    )
    expected = temperature * (softmax(logits / temperature) - softmax(taught / temperature))
    assert keras.ops.convert_to_numpy(slope) == pytest.approx(expected, abs=2e-6)
    same = keras.ops.convert_to_numpy(divergence(tensors[0], tensors[0], temperature))
    assert same == pytest.approx(np.zeros(12), abs=1e-6)


def test_at_a_high_temperature_the_gradient_compares_the_logits_themselves():
    """Hinton, Vinyals & Dean 2015, equation 4: (z - v) / classes, each minus its mean."""
    taught, logits = np.random.default_rng(0).normal(size=(2, 5, 10)).astype("float32")
    (slope,) = gradients(
        lambda given: keras.ops.sum(divergence(taught, given[0], 100.0)),
        [keras.ops.convert_to_tensor(logits)],
    )
    centred = (logits - logits.mean(1, keepdims=True)) - (taught - taught.mean(1, keepdims=True))
    assert keras.ops.convert_to_numpy(slope) == pytest.approx(centred / 10, abs=5e-3)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"label_smoothing": 0.1, "loss": "focal"},
        pytest.param({"augmentation": "cutmix(1, 1)"}, marks=pytest.mark.slow),
    ],
)
def test_a_training_step_has_the_mixed_loss_and_evaluation_has_cross_entropy(teacher, settings):
    if "augmentation" in settings and keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow augments")
    distilling = {"temperature": 3.0, "mixture": 0.7}
    planned, model, data = student(config(teacher, distilling=distilling, **settings))
    compile_model(model, planned, steps_per_execution=1)
    batch, found = next(iter(make_pipeline(model, planned, data).batches))
    assert isinstance(found, tuple) == planned.fixed_images == ("augmentation" not in settings)
    labels, kept = found if planned.fixed_images else (found, None)
    batch, labels = np.asarray(batch), np.asarray(labels)
    soft = labels if planned.soft_labels else np.eye(10)[labels]
    logits = np.asarray(model(batch, training=False), "float64")
    taught = teacher.load_model().predict(batch, verbose=0).astype("float64")
    assert kept is None or np.asarray(kept) == pytest.approx(taught, abs=1e-4)
    own = plain = -(soft * np.log(softmax(logits))).sum(axis=1)
    if settings.get("loss"):
        own = (soft * (1 - softmax(logits)) ** 2 * -np.log(softmax(logits))).sum(axis=1)
    expected = 0.7 * closed_form(taught, logits, 3.0).mean() + 0.3 * own.mean()
    assert untrained_loss(model, batch, labels) == pytest.approx(max(plain.mean(), np.log(10)))
    for given in (labels, found):  # without the logits of the teacher, it predicts
        loss = model.compute_loss(batch, given, logits.astype("float32"))
        assert float(loss) == pytest.approx(expected, rel=1e-5)
    plain = -(soft * np.log(softmax(logits))).sum(axis=1).mean()
    loss = model.compute_loss(batch, labels, logits.astype("float32"), training=False)
    assert float(loss) == pytest.approx(plain, rel=1e-5)


def test_a_teacher_sees_the_images_that_the_student_sees_and_has_no_part_in_it(
    teacher, monkeypatch
):
    """The images of a step are those of the pipeline, which a callback of the model records."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow augments")
    mixing = "flip | shift(2) | mixup(0.4, 1)"
    chosen = config(teacher, augmentation=mixing, epochs=1, batch_size=140)
    planned, model, data = student(chosen)
    seen, usual = [], distillation._logits

    def logits(its, images):
        seen.append(np.asarray(images))
        return usual(its, images)

    monkeypatch.setattr(distillation, "_logits", logits)
    compile_model(model, planned, steps_per_execution=1)
    weights = teaching_of(model).teacher.get_weights()
    model.run_eagerly = True
    taken, call = [], model.call

    def student_call(images, training=None, mask=None):
        if training and len(images) == 140:  # not those of the untrained model's loss
            taken.append(np.asarray(images))
        return call(images, training=training, mask=mask)

    model.call = student_call
    fit(model, planned, data, [], Silent(), compiled=True)
    steps = [one for one in seen if len(one) == 140]
    expected = [np.asarray(batch) for batch, _ in make_pipeline(model, planned, data).batches]
    assert len(steps) == len(taken) == planned.steps == 3
    for one, two, three in zip(steps, taken, expected, strict=True):
        assert np.array_equal(one, two)
        assert np.array_equal(one, three)
    after = teaching_of(model).teacher.get_weights()
    assert all(map(np.array_equal, weights, after)), "not even statistics move"
    assert not any("teacher" in one.path for one in model.variables)
    assert len(model.trainable_variables) == 5, "of two layers and a normalization"


def test_the_time_of_the_teacher_counts_in_the_steps_of_an_execution(teacher, monkeypatch):
    """Its forward pass is a third of a step of a model of its size, if it is part of the step."""
    asked = []
    estimate = "fashion_zoo.training.fit.steps_of_about_a_second"
    monkeypatch.setattr(estimate, lambda parameters, *_: asked.append(parameters) or 1)
    for name, augmentation, views in (
        (teacher, "flip", 0), (teacher, "flip", 2), (teacher, "none", 0), (None, "flip", 0),
    ):  # fmt: skip
        chosen = config(name, augmentation=augmentation, distilling={"views": views})
        planned, model, _ = student(chosen)
        compile_model(model, planned)
    weights, its = model.count_params(), teacher.load_model().count_params()
    assert asked == [weights + its // 3, weights, weights, weights]


@pytest.mark.slow
def test_a_teacher_of_flat_images_teaches_a_student_of_pictures(teacher, tmp_path):
    inputs = keras.Input((784,))
    flat = keras.Model(inputs, keras.layers.Dense(10)(inputs / 255))
    copied(teacher, tmp_path / "flat", flat)
    _, rows = fit_recipe("bn_mlp", config(tmp_path / "flat", epochs=1))
    assert np.isfinite(rows[0]["loss"])


def copied(teacher, place, model):
    """Return a copy of a run with another model."""
    shutil.copytree(teacher.path, place)
    model.compile()
    model.save(place / "model.keras")
    return place


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: keras.layers.Dense(7)(keras.layers.Flatten()(x)), "is a model of 7 classes"),
        (
            lambda x: keras.layers.Dense(10, "softmax")(keras.layers.Flatten()(x)),
            "returns probabilities, and logits are needed",
        ),
        (
            lambda x: keras.layers.Dense(10)(keras.layers.Flatten()(x) / 0.0),
            "has outputs that are not finite",
        ),
    ],
)
def test_a_model_that_cannot_teach_is_one_sentence(teacher, tmp_path, make, message):
    inputs = keras.Input((28, 28))
    place = copied(teacher, tmp_path / "t", keras.Model(inputs, make(inputs)))
    with pytest.raises((ConfigError, RunError), match=message):
        fit_recipe("bn_mlp", config(place))


def test_a_folder_without_a_model_is_refused_before_anything_is_loaded(tmp_path):
    with pytest.raises(ConfigError, match=r"folder of a run whose training has ended, received"):
        DistillationConfig(teacher=tmp_path)
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ConfigError, match=r"cannot be used: model\.keras cannot be read"):
        DistillationConfig(teacher=str(tmp_path))
    with pytest.raises(ConfigError, match="must be the folder of a run, received int"):
        DistillationConfig(teacher=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class_weight": "balanced"}, "class_weight 'balanced' corrects the class frequencies"),
        ({"sampling": "balanced"}, "sampling 'balanced' corrects the class frequencies"),
        ({"loss": "logit_adjusted"}, "loss 'logit_adjusted' corrects the class frequencies"),
        ({"adaptive_dropout": {"enabled": True}}, "in which the teacher of a distillation has no"),
        ({"distillation": {"mixture": 1.1}}, "mixture must be a number of at least 0 and at most"),
        ({"distillation": {"temperature": 0}}, "temperature must be a number above 0"),
    ],
)
def test_settings_that_teach_something_else_are_refused(teacher, settings, message):
    taught = TrainingConfig(distillation=DistillationConfig(teacher))
    with pytest.raises(ConfigError, match=message):
        override(taught, settings)
    if "distillation" not in settings:
        override(taught, {**settings, "distillation": {"mixture": 0}})
        override(TrainingConfig(), settings)


def test_a_digest_has_the_model_of_the_teacher_and_not_its_place(teacher, tmp_path):
    plain, taught = config(None), config(teacher)
    assert digest.of(plain) == digest.of(override(recipe("bn_mlp").config, {
        **SMALL, "training": TEACHING}))  # fmt: skip
    assert digest.of(taught) != digest.of(plain)
    shutil.copytree(teacher.path, tmp_path / "moved")
    moved = config(tmp_path / "moved")
    assert moved.training.distillation.digest == digest_of(teacher.path)
    assert digest.of(moved) == digest.of(taught)
    with zipfile.ZipFile(teacher.model_file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, same in (("metadata.json", True), ("config.json", False)):
        with zipfile.ZipFile(tmp_path / "moved" / "model.keras", "w") as archive:
            for one, data in reversed(parts.items()):
                archive.writestr(one, data + b" " * (one == name))
        assert (digest_of(tmp_path / "moved") == digest_of(teacher.path)) == same, name


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"class_names": tuple("abcdefghij")}, r"on classes a, b, c, d, e, f, g, h, i, j, and the"),
        ({"image_shape": (28, 28, 3)}, r"on images of shape \(28, 28, 3\), and the data has \(28"),
        ({"invert": True}, r"on data\.invert True, and the data has False"),
    ],
)
def test_a_teacher_of_other_images_is_refused(teacher, known, message, monkeypatch):
    other = dataclasses.replace(teacher.data, **known)
    monkeypatch.setattr(type(teacher), "data", other)
    chosen = config(teacher)
    with pytest.raises(ConfigError, match=message):
        runs.check_teacher(chosen.training.distillation, load(chosen.data))


def test_what_must_not_have_seen_a_fold_has_no_teacher(teacher, images):
    chosen = config(teacher).training.distillation
    with pytest.raises(ConfigError, match="Cross-validation needs models that have not seen"):
        runs.check_teacher(chosen, load(), folds=3)
    with pytest.raises(ConfigError, match=r"which the teacher .* may have seen\. Leave out train"):
        fashion_zoo.audit(tuple(images), training={"distillation": {"teacher": teacher}})


@pytest.mark.parametrize("name", ["studnt", "student", "later"])
@pytest.mark.parametrize("more", [(), ("first",)])
def test_the_teacher_of_an_arm_is_an_arm_that_is_trained_before(name, more):
    arms = [Arm("first"), Arm("student", teacher=(*more, name) if more else name), Arm("later")]
    with pytest.raises(ConfigError, match=f"Unknown teacher of arm 'student' '{name}'"):
        Experiment("x", "Which?", arms, []).all_arms()
