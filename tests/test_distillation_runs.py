"""Distillation in whole trainings: what repeats bit for bit, resuming, moving, and the command."""

import json
import shutil

import keras
import numpy as np
import pytest
from distilling import SMALL, TEACHING, config, student
from fitting import Capture, Silent, fit_recipe
from keras_tuner import HyperParameters
from resuming import OPTIONS, assert_same, stopped, train

import fashion_zoo
from fashion_zoo import ConfigError, RunError, TrainingError
from fashion_zoo.config import distillation
from fashion_zoo.experiments import Arm, Experiment, run, training
from fashion_zoo.experiments.columns import name
from fashion_zoo.training import distillation as teaching
from fashion_zoo.training.averaging import _each
from fashion_zoo.training.fit import compile_model, fit, make_pipeline
from fashion_zoo.training.loss import teaching_of
from fashion_zoo.training.plan import Plan
from recipes import distill


@pytest.mark.slow
def test_any_number_of_steps_per_execution_trains_the_same(teacher):
    if keras.backend.backend() == "torch":
        pytest.skip("Keras has no longer executions there")
    results = []
    for steps in (1, 8):
        planned, model, data = student(config(teacher))
        capture = Capture()
        compile_model(model, planned, steps_per_execution=steps)
        fit(model, planned, data, [capture], Silent(), compiled=True)
        results.append((model.get_weights(), capture.rows))
    (weights, rows), (others, expected) = results
    for row, other in zip(rows, expected, strict=True):
        assert row == pytest.approx(other, rel=1e-4)
    for one, other in zip(weights, others, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_images_that_stay_as_they_are_come_with_the_logits_of_the_teacher(teacher, schedule):
    smoothing = {"label_smoothing": 0.1, "schedules": {"label_smoothing": schedule}}
    planned, model, data = student(config(teacher, **smoothing))
    plain = make_pipeline(model, planned, data)
    compile_model(model, planned)
    taught = make_pipeline(model, planned, data)
    taught.start_epoch(1)
    plain.start_epoch(1)
    its, batches = teacher.load_model(), [list(_each(one.batches)) for one in (taught, plain)]
    for (images, (labels, kept)), (others, expected) in zip(*batches, strict=True):
        assert np.array_equal(images, others)
        assert np.array_equal(labels, expected)
        logits = its.predict_on_batch(np.asarray(images, "float32"))
        assert np.asarray(kept) == pytest.approx(logits, abs=1e-4)
        assert np.asarray(kept).dtype == np.float32


@pytest.mark.slow
def test_a_teacher_that_predicts_once_trains_as_one_in_the_step(teacher, monkeypatch):
    """The logits differ in their last bits at most: another program computes them."""
    found, usual = [], teaching._logits
    for kept in (True, False):
        seen = []

        def logits(its, images, seen=seen):
            seen.append(images)
            return usual(its, images)

        monkeypatch.setattr(teaching, "_logits", logits)
        monkeypatch.setattr(Plan, "fixed_images", kept)
        model, rows = fit_recipe("bn_mlp", config(teacher, epochs=3))
        found.append((model.get_weights(), rows))
        arrays = [len(one) for one in seen if isinstance(one, np.ndarray)]
        # what tells logits from probabilities, all training images, the loss before the training
        assert arrays == [4, *([50] * 8 + [20]) * kept, 1000]
        assert (len(seen) == len(arrays)) == kept, "else it is traced as a part of the step"
    (weights, rows), (others, expected) = found
    for row, other in zip(rows, expected, strict=True):
        assert row == pytest.approx(other, rel=1e-4)
    for one, other in zip(weights, others, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.slow
def test_a_mixture_of_0_is_the_plain_training_bit_for_bit(teacher):
    large = {"batch_size": 140}
    model, rows = fit_recipe("bn_mlp", config(teacher, distilling={"mixture": 0}, **large))
    other, expected = fit_recipe("bn_mlp", config(None, **large))
    assert rows == expected
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


def options(teacher, **training):
    """Return the settings of a training with everything that moves, and a teacher."""
    settings = {**OPTIONS["training"], "distillation": {"teacher": teacher}, **training}
    return {**OPTIONS, "training": settings}


MIXED = {"augmentation": "flip | mixup(0.4, 0.5)"}


@pytest.mark.slow
@pytest.mark.parametrize("further", [{}, MIXED], ids=str)
def test_a_student_that_was_killed_goes_on_to_the_same_run(teacher, tmp_path, monkeypatch, further):
    if further and keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow augments")
    chosen = options(teacher, **further)
    whole = train(tmp_path / "whole", **chosen)
    stopped(tmp_path / "r", 2, monkeypatch, **chosen)
    assert_same(train(tmp_path / "r", resume=True), whole)
    stored = whole.config.training.distillation
    assert (stored.teacher, len(stored.digest)) == (str(teacher.path), 16)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "further"), [("average", {}), ("stack", MIXED)])
def test_an_ensemble_teaches_and_its_student_goes_on_to_the_same_run(
    ensembled, tmp_path, monkeypatch, method, further
):
    if further and keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow augments")
    chosen = options(ensembled / method, **further)
    whole = train(tmp_path / "whole", **chosen)
    stopped(tmp_path / "r", 2, monkeypatch, **chosen)
    assert_same(train(tmp_path / "r", resume=True), whole)
    planned, model, data = student(config(ensembled / method))
    compile_model(model, planned)
    images = data.train.images[:100].astype("float32")
    expected = fashion_zoo.open_run(ensembled / method).load_model().predict_on_batch(images)
    found = teaching_of(model).logits_of_all(images, 50)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.slow
def test_a_student_is_resumed_with_its_teacher_only_wherever_that_lies(
    teacher, tmp_path, monkeypatch
):
    shutil.copytree(teacher.path, tmp_path / "t")
    chosen = options(tmp_path / "t")
    stopped(tmp_path / "r", 2, monkeypatch, **chosen)
    shutil.copytree(tmp_path / "r", tmp_path / "again")
    (tmp_path / "t").rename(tmp_path / "moved")
    with pytest.raises(RunError, match=r"There is no run folder .*/t") as caught:
        train(tmp_path / "r", resume=True)
    assert caught.value.__notes__ == [
        'If the teacher has moved, name it again: training={"distillation": {"teacher": "FOLDER"}}.'
    ]
    moved = {"training": {"distillation": {"teacher": tmp_path / "moved"}}}
    assert train(tmp_path / "r", resume=True, **moved).finished
    altered = keras.saving.load_model(tmp_path / "moved" / "model.keras")
    altered.layers[-1].bias.assign_add(keras.ops.ones(10))
    altered.save(tmp_path / "moved" / "model.keras")
    with pytest.raises(ConfigError, match=r"is not the one of this training: the digest of its"):
        train(tmp_path / "again", resume=True, **moved)
    other = {"training": {"distillation": {"temperature": 3.0}}}
    with pytest.raises(RunError, match=r"training\.distillation\.temperature: 2\.0, now 3\.0"):
        train(tmp_path / "again", resume=True, **other)


@pytest.mark.slow
def test_a_fork_learns_on_from_a_teacher(teacher, tmp_path):
    plain = {**OPTIONS, "training": {**OPTIONS["training"], "epochs": 1}}
    origin = train(tmp_path / "plain", **plain)
    chosen = {"epochs": 2, "distillation": {"teacher": teacher, "mixture": 0.5}}
    forked = train(tmp_path / "forked", fork=origin, training=chosen)
    assert forked.config.training.distillation.mixture == 0.5
    first, second = forked.history()["loss"]
    assert first == origin.history()["loss"][0]
    assert np.isfinite(second)


@pytest.mark.slow
def test_the_range_test_and_a_search_learn_from_the_teacher(teacher, tmp_path):
    chosen = {**SMALL, "training": {**TEACHING, "distillation": {"teacher": teacher}}}
    found = fashion_zoo.find_lr("bn_mlp", seeds=1, steps=20, **chosen)
    plain = fashion_zoo.find_lr("bn_mlp", seeds=1, steps=20, **SMALL, training=TEACHING)
    assert not np.array_equal(found.losses, plain.losses)
    searching = {**chosen, "space": {"batch_size": "choice(50, 60)"}}
    model = fashion_zoo.tuning.hypermodel("bn_mlp", **searching).build(HyperParameters())
    assert teaching_of(model).mixture == 0.9
    with pytest.raises(ConfigError, match="Cross-validation needs models"):
        fashion_zoo.tune("bn_mlp", study_dir=tmp_path / "folds", folds=2, **searching)


def test_an_arm_learns_from_the_run_of_an_earlier_arm_with_its_seed(tmp_path, monkeypatch):
    found = []

    def row(experiment, arm, config, *_):
        found.append(config.training.distillation)
        return {"validation_accuracy": 0.5}

    monkeypatch.setattr(training, "_row", row)
    monkeypatch.setattr(distillation, "digest_of", lambda run, **_: f"of {run.name}")
    arms = [Arm("large"), Arm("small", teacher="large")]
    own = Experiment("x", "?", arms, [name("arm")], note="")
    run(own, seeds=2, folder=tmp_path)
    assert [one.digest for one in found] == [None, "of large-0", None, "of large-1"]
    assert [one.teacher for one in found][1::2] == [str(tmp_path / f"large-{n}") for n in (0, 1)]


@pytest.mark.slow
def test_the_runs_of_several_arms_teach_as_their_average(ensembled, tmp_path, monkeypatch):
    asked = []

    def row(experiment, arm, config, *_):
        asked.append(config.training.distillation.teacher)
        return {"validation_accuracy": 0.5}

    monkeypatch.setattr(training, "_row", row)
    members = [tmp_path / "one-0", tmp_path / "two-0"]
    for number, member in enumerate(members):
        shutil.copytree(ensembled / f"run-{number}", member)
    arms = [Arm("one"), Arm("two"), Arm("both", teacher=("two", "one"))]
    own = Experiment("x", "?", arms, [name("arm")], note="", chooses=True, seeds=1)

    def digests():
        run(own, folder=tmp_path)
        made = fashion_zoo.open_run(asked[-1]).ensemble
        assert made["method"] == "average"
        return [one["digest"] for one in made["members"]]

    first = digests()
    assert first == [distillation.digest_of(one) for one in members[::-1]]
    assert asked == [None, None, str(tmp_path / "teachers/both-0")]
    model = tmp_path / "teachers/both-0/model.keras"
    before = model.stat().st_mtime_ns
    assert digests() == first
    assert model.stat().st_mtime_ns == before
    for written in (model, model.with_name("training.json")):  # as after a kill
        written.unlink()
    assert digests() == first
    shutil.copy(members[1] / "model.keras", members[0])
    assert digests() == first[:1] * 2


@pytest.mark.parametrize("teacher", ["large", ("small", "large")])
def test_an_arm_whose_teacher_diverged_has_no_figures_and_the_others_have(
    teacher, tmp_path, monkeypatch
):
    def row(experiment, arm, *_):
        if arm.name == "large":
            raise TrainingError("Training stopped: loss became nan.")
        return {"validation_accuracy": 0.5}

    monkeypatch.setattr(training, "_row", row)
    arms = [Arm("small"), Arm("large"), Arm("student", teacher=teacher)]
    own = Experiment("x", "?", arms, [name("arm")], note="", chooses=True)
    text = run(own, seeds=1, folder=tmp_path)
    lost = "leaves no figures: `large` with seed 0; `student` with seed 0."
    assert text.endswith(lost)
    assert run(own, only="student", seeds=1, folder=tmp_path).endswith(lost)


WORDS = ["--model.hidden-units", "8", "--data.limit", "420", "--epochs", "1", "--no-export"]


def test_the_command_trains_a_student_and_resumes_it(teacher, tmp_path, capsys):
    to = ["--run-dir", str(tmp_path / "r")]
    given = [str(teacher.path), "bn_mlp"]
    assert distill.main([*given, *WORDS, *to, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    run = fashion_zoo.open_run(found["run"])
    assert found["evaluation"]["images"] == 10_000
    assert run.config.training.distillation.teacher == str(teacher.path)
    assert distill.main([*given, *to, "--resume", "--no-export"]) == 0
    assert "is finished" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "usage: python -m recipes.distill TEACHER STUDENT [OPTIONS]"),
        (["nowhere", "bn_mlp"], 5, "error: There is no run folder nowhere.\n"),
        (["nowhere", "bn_mp"], 3, "error: Unknown recipe 'bn_mp'. Did you mean 'bn_mlp'?"),
        (
            ["nowhere", "bn_mlp", "--training.distillation.teacher=x"],
            3,
            "The teacher is the first word. Leave out --training.distillation.teacher.",
        ),
    ],
)
def test_a_wrong_command_line_is_one_sentence(words, code, message, capsys):
    assert distill.main(words) == code
    assert message in capsys.readouterr().err


def test_the_help_names_the_settings_of_a_distillation(capsys):
    assert distill.main(["--help"]) == 0
    assert distill.main(["nowhere", "bn_mlp", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "--training.distillation.temperature 2.0" in printed
    assert "python -m recipes.distill nowhere bn_mlp --training.augmentation standard" in printed
