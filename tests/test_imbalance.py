"""Class imbalance: balanced batches, metrics of recalls, long-tailed data, and runs on it."""

import dataclasses
import json
import math
import types

import keras
import numpy as np
import pytest
from fitting import fit_recipe
from sklearn.metrics import balanced_accuracy_score, recall_score
from test_own_data import three_classes

import fashion_zoo
from fashion_zoo import (
    ConfigError,
    DataConfig,
    DataError,
    EarlyStoppingConfig,
    RunError,
    override,
    recipe,
)
from fashion_zoo.data import class_counts, load, long_tail
from fashion_zoo.data.batches import balanced_order, orders
from fashion_zoo.data.pipeline import _array_batches, training_pipeline
from fashion_zoo.evaluation import measure, wilson
from fashion_zoo.evaluation.report import Evaluation
from fashion_zoo.training import session
from fashion_zoo.training.callbacks import stopping_callbacks
from fashion_zoo.training.loss import METRICS
from fashion_zoo.training.plan import plan

LABELS = np.repeat([0, 1, 2], [900, 90, 10])


def test_in_balanced_batches_every_class_is_equally_likely_and_no_image_comes_before_its_turn():
    order = balanced_order(LABELS, 50, seed=0, epoch=3)
    assert (order.shape, order.dtype) == ((20, 50), np.int32)
    drawn = np.bincount(LABELS[order.ravel()])
    # each is binomial(1000, 1/3): 5 standard deviations are 75
    assert np.abs(drawn - 1000 / 3).max() < 75
    for label in range(3):
        members = np.flatnonzero(label == LABELS)
        times = np.bincount(order[LABELS[order] == label], minlength=1000)[members]
        assert times.max() - times.min() <= 1
        assert times.sum() == drawn[label]
    batches = [np.bincount(LABELS[batch], minlength=3) for batch in order]
    assert len({tuple(one) for one in batches}) > 5, "they are drawn, not dealt"


def test_balanced_batches_are_keyed_by_seed_and_epoch():
    first = balanced_order(LABELS, 50, 0, 0)
    assert np.array_equal(first, orders(LABELS, 50, 0, sampling="balanced")(0))
    for seed, epoch in ((0, 1), (1, 0)):
        assert not np.array_equal(first, balanced_order(LABELS, 50, seed, epoch))
    few = balanced_order(np.array([1, 1, 1, 1, 5]), 4, seed=3, epoch=7)
    assert few.tolist() == [[1, 4, 4, 4]]  # in every version
    with pytest.raises(ConfigError, match=r"training.batch_size must be at most 1,000"):
        balanced_order(LABELS, 1001, 0, 0)


def test_the_pipeline_reads_balanced_batches_on_every_backend(images):
    few = np.flatnonzero((images.labels < 3) | (np.arange(200) < 30))
    part = type(images)(images.images[few], images.labels[few])
    options = {"batch_size": 10, "seed": 5, "num_classes": 10}
    pipeline = training_pipeline(part, sampling="balanced", **options)
    order = orders(part.labels, 10, 5, sampling="balanced")
    other, start = _array_batches(part.images, part.labels, order, len(pipeline.batches), {})
    for epoch in (0, 2):
        pipeline.start_epoch(epoch)
        start(epoch)
        for step, (pixels, labels) in enumerate(pipeline.batches):
            rows = balanced_order(part.labels, 10, 5, epoch)[step]
            assert np.array_equal(pixels, part.images[rows])
            assert np.array_equal(labels, part.labels[rows])
            assert np.array_equal(labels, other[step][1])


@pytest.mark.parametrize("soft", [False, True])
def test_the_metrics_of_a_training_are_those_of_scikit_learn(soft):
    generator = np.random.default_rng(0)
    labels = generator.choice([0, 1, 3], size=60, p=[0.8, 0.15, 0.05])  # no image of class 2
    logits = (generator.normal(size=(60, 4)) + np.eye(4)[labels]).astype("float32")
    given = np.eye(4, dtype="float32")[labels] * 0.9 + 0.025 if soft else labels
    recalls = recall_score(labels, logits.argmax(axis=1), labels=[0, 1, 3], average=None)
    expected = {"balanced_accuracy": recalls.mean(), "worst_recall": recalls.min()}
    for name, kind in METRICS.items():
        metric = kind(4, soft, name)
        metric.update_state(given[:50], logits[:50])
        metric.update_state(given[50:], logits[50:])
        assert float(metric.result()) == pytest.approx(expected[name], abs=1e-6)
        assert metric.name == name
        metric.reset_state()
        assert math.isfinite(float(metric.result()))


SMALL = {"model": {"hidden_units": (8,)}, "data": {"limit": 200}}


@pytest.mark.slow
def test_what_is_asked_for_is_logged_and_can_stop_a_training():
    settings = {
        "epochs": 1, "batch_size": 50, "sampling": "balanced", "loss": "focal",
        "metrics": ["worst_recall"], "early_stopping": {"monitor": "balanced_accuracy"},
    }  # fmt: skip
    config = override(recipe("baseline_mlp").config, {**SMALL, "training": settings})
    assert config.training.watched == ("worst_recall", "balanced_accuracy")
    model, (row,) = fit_recipe("baseline_mlp", config)
    further = {f"{part}{name}" for part in ("", "val_") for name in config.training.watched}
    usual = {"accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"}
    assert row.keys() == usual | further
    images, labels = load(config.data).validation
    logits = keras.ops.convert_to_numpy(model(images))
    found = logits.argmax(axis=1)
    assert row["val_balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(labels, found), abs=1e-6
    )
    worst = recall_score(labels, found, average=None).min()
    assert row["val_worst_recall"] == pytest.approx(worst, abs=1e-6)
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert row["val_loss"] == pytest.approx(float(plain(labels, logits)), rel=1e-4)


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [("balanced_accuracy", "max"), ("worst_recall", "max"), ("accuracy", "max"), ("loss", "min")],
)
def test_early_stopping_looks_at_its_metric_in_its_direction(monitor, mode):
    config = override(
        recipe("bn_mlp").config, {"training": {"early_stopping": {"monitor": monitor}}}
    )
    _, stopper = stopping_callbacks(plan(config, [500, 500]), (2.3, 2.3), 100)
    assert (stopper.monitor, stopper.mode) == (f"val_{monitor}", mode)
    with pytest.raises(ConfigError, match="significant needs monitor 'accuracy'"):
        EarlyStoppingConfig(monitor="worst_recall", significant=True)


def test_balanced_accuracy_and_worst_recall_have_their_intervals():
    labels = np.array([0] * 8 + [1] * 2)
    predicted = np.array([0] * 6 + [1] * 2 + [1, 0])  # 6 of 8 and 1 of 2; no image of class c
    found = measure(np.eye(3)[predicted], labels, ("a", "b", "c"))
    # Wilson intervals: 0.40927..0.92852 of 6 in 8, 0.09453..0.90547 of 1 in 2; by hand
    # 0.625 - sqrt(0.34073^2 + 0.40547^2) / 2 and 0.625 + sqrt(0.17852^2 + 0.40547^2) / 2
    expected = {"value": 0.625, "low": 0.36018, "high": 0.84651}
    assert found["balanced_accuracy"] == pytest.approx(expected, abs=1e-4)
    worst = found["worst_recall"]
    highest = min(wilson(6, 8, 0.975).high, wilson(1, 2, 0.975).high)
    assert (worst["value"], worst["class"]) == (0.5, "b")
    assert (worst["low"], worst["high"]) == (wilson(1, 2).low, highest)
    evaluation = Evaluation(found)
    assert evaluation.balance == (
        "balanced accuracy 62.50 % (95 % interval 36.02 % to 84.65 %), worst recall 50.00 % (b)"
    )
    assert evaluation.balance in repr(evaluation)
    one = measure(np.eye(2)[predicted[:8]], labels[:8], ("a", "b"))
    assert one["balanced_accuracy"] == pytest.approx(one["accuracy"])
    assert Evaluation(measure(np.eye(2), np.arange(2), "ab")).balance == ""


def test_the_long_tail_of_a_data_set_falls_from_class_to_class_and_leaves_the_other_parts():
    whole = load()
    tail = long_tail(whole, 100)
    # 5500 * 100 ** (-c / 9)
    counts = [5500, 3297, 1977, 1185, 710, 426, 255, 153, 92, 55]
    assert class_counts(tail).tolist() == counts
    assert tail.count == sum(counts)
    assert set(tail.used.train) <= set(whole.positions.train)
    assert np.array_equal(tail.used.validation, whole.positions.validation)
    assert np.array_equal(tail.used.test, whole.positions.test)
    assert np.array_equal(tail.validation.images, whole.validation.images)
    again, other, all_of_it = long_tail(whole), load(long_tail=100, seed=1), long_tail(whole, 1)
    assert np.array_equal(tail.used.train, again.used.train)
    assert not np.array_equal(tail.used.train, other.used.train)
    assert np.array_equal(all_of_it.used.train, whole.positions.train)
    assert tail.origin == DataConfig(long_tail=100)


def test_a_limit_comes_before_the_tail_and_a_small_class_keeps_what_it_has():
    x, y = three_classes()
    limited = load((x, y), limit=30)
    tail = long_tail(limited, 5)  # of 10 images of each class
    assert class_counts(tail).tolist() == [10, 4, 2]
    known = {image.tobytes() for image in limited.train.images}
    assert {image.tobytes() for image in tail.train.images} < known
    arrays = load((x[:60], y[:60]), validation=0.1, test=0.1)
    assert class_counts(arrays).tolist() == [16, 16, 16]
    assert class_counts(long_tail(arrays, 4)).tolist() == [16, 8, 4]
    fold = long_tail(arrays, 4).fold(0, 2)
    assert (class_counts(fold).tolist(), fold.origin.long_tail) == ([8, 4, 2], None)
    for ratio in (0.5, math.nan):
        with pytest.raises(ConfigError, match=r"data\.long_tail must be a number of at least 1"):
            long_tail(arrays, ratio)
    with pytest.raises(ConfigError, match="long_tail takes a Dataset"):
        long_tail((x, y))


@pytest.mark.slow
def test_a_run_on_long_tailed_data_is_resumed_on_no_other(tmp_path):
    tail = long_tail(load(three_classes()), 4)
    settings = {"model": {"hidden_units": (8,)}, "training": {"epochs": 1, "batch_size": 8}}
    given = {"run_dir": tmp_path / "r", "export": False, "progress": False, **settings}
    done = fashion_zoo.train("bn_mlp", data=tail, **given)
    assert done.run.data == tail.describe()
    recalls = [row["recall"] for row in done.evaluation["classes"]]
    assert done.evaluation["balanced_accuracy"]["value"] == pytest.approx(np.mean(recalls))
    assert done.evaluation["worst_recall"]["value"] == min(recalls)
    known = done.training
    reached = known["validation_accuracy"]  # of as many images of each class
    assert known["validation_balanced_accuracy"] == pytest.approx(reached)
    assert 0 <= known["validation_worst_recall"] <= reached
    again = fashion_zoo.train("bn_mlp", data=tail, resume=True, **given)
    assert again.evaluation == done.evaluation
    (tmp_path / "r" / "training.json").unlink()  # as after a kill
    with pytest.raises(RunError, match=r"data\.long_tail: 4, now None"):
        fashion_zoo.train("bn_mlp", data=load(three_classes()), resume=True, **given)
    x, y = three_classes()
    with pytest.raises(DataError, match="was trained on other images than these"):
        fashion_zoo.train("bn_mlp", data=long_tail(load((x, 2 - y)), 4), resume=True, **given)
    again = fashion_zoo.train("bn_mlp", data=tail, resume=True, **given)
    assert again.evaluation == done.evaluation


def test_a_finished_run_on_other_images_is_not_taken_for_one_on_these(trained, monkeypatch):
    run, trainings = trained.run, []
    entry, known = recipe("bn_mlp"), run.stored_data
    same, other = (
        types.SimpleNamespace(describe=lambda it=it: it)
        for it in (known, dataclasses.replace(known, digest="another"))
    )

    def train(*_, force, **__):
        trainings.append(force)
        return run, False

    monkeypatch.setattr(session, "train_run", train)
    assert session.train_once(entry, run.config, run.path, None, same) == run
    assert trainings == []
    session.train_once(entry, run.config, run.path, None, other)
    assert trainings == [True]


def test_an_evaluation_of_an_older_version_is_read(trained):
    older = {name: one for name, one in trained.evaluation.items() if "balanced" not in name}
    del older["worst_recall"]
    assert Evaluation(json.loads(json.dumps(older))).balance == ""
    assert "test accuracy" in repr(Evaluation(older))


def test_the_curves_show_what_was_asked_for():
    from fashion_zoo.show import plots

    history = {
        "epoch": [1, 2], "accuracy": [0.5, 0.6], "loss": [2.0, 1.0], "worst_recall": [0.1, 0.3],
        "val_accuracy": [0.5, 0.6], "val_loss": [2.0, 1.0], "val_worst_recall": [0.0, 0.25],
        "learning_rate": [0.1, 0.0],
    }  # fmt: skip
    axes = plots.curves(history, "t", metrics=("worst_recall",)).axes
    titles = [axis.get_title() for axis in axes]
    assert titles == ["loss", "accuracy", "worst recall", "learning rate"]
    labels = [text.get_text() for text in axes[2].get_legend().get_texts()]
    assert labels == ["training 30.00 %", "validation 25.00 %"]


@pytest.mark.slow
def test_a_search_maximizes_what_it_is_asked_for(tmp_path):
    space = {"depth": "1", "units": "8", "batch_size": "8", "augmentation": "'none'"}
    asked = {"trials": 2, "candidates": 1, "seeds": 1, "study_dir": tmp_path, "space": space}
    found = fashion_zoo.tune(
        "bn_mlp", data=three_classes(), objective="worst_recall", training={"epochs": 2}, **asked
    )
    best = fashion_zoo.read_config(found.best, "bn_mlp")
    assert best.training.metrics == ("worst_recall",)
    row = found.candidates[0]
    run = fashion_zoo.open_run(tmp_path / "again" / f"trial-{row['trial']}-1")
    assert row["again"] == [run.read_json("training.json")["validation_worst_recall"]]
    assert run.history()["val_worst_recall"][-1] == pytest.approx(row["again"][0], abs=1e-6)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "the validation worst recall after the last epoch" in page
    with pytest.raises(fashion_zoo.StudyError, match=r"objective: \['val_worst_recall'\], now"):
        fashion_zoo.tune("bn_mlp", data=three_classes(), training={"epochs": 2}, **asked)
